# SPDX-License-Identifier: Apache-2.0
sotto_test(unit plan)
sotto_test(unit driver)
target_compile_definitions(test_driver PRIVATE SOTTO_TEST_NIST="${PROJECT_SOURCE_DIR}/../shared/data/nist")
sotto_test(unit exact PkgConfig::gmp PkgConfig::mpfr)
sotto_test(property pieces PkgConfig::gmp PkgConfig::mpfr)
sotto_test(fault fault_engine)
sotto_fuzz(plan)
