# SPDX-License-Identifier: Apache-2.0
"""A wheel of one kind of machine and of all Pythons: cffi opens libsotto, no module is compiled."""

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel


class Machine(Distribution):
    """A distribution with machine code."""

    def has_ext_modules(self):
        """So that it is put where code of one kind of machine belongs."""
        return True


class AllPythons(bdist_wheel):
    """A wheel's name, which says for whom it is."""

    def get_tag(self):
        """The tag: any Python 3, no binary interface of Python, this machine."""
        return "py3", "none", super().get_tag()[2]


setup(distclass=Machine, cmdclass={"bdist_wheel": AllPythons})
