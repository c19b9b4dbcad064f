# SPDX-License-Identifier: Apache-2.0
sotto_test(unit plan)
sotto_test(unit driver)
sotto_test(unit exact PkgConfig::gmp PkgConfig::mpfr)
sotto_test(property pieces PkgConfig::gmp PkgConfig::mpfr)
sotto_test(fault fault_engine)
sotto_fuzz(plan)
