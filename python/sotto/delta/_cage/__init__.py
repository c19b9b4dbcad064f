# SPDX-License-Identifier: Apache-2.0
"""What a cage has under the name `delta`: these files travel in a bundle, as they stand here, and
import nothing else of this package. _code.py says under which names."""
