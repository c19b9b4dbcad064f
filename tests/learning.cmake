# SPDX-License-Identifier: Apache-2.0
sotto_test(unit bundle LINK PkgConfig::sodium)
target_compile_definitions(test_bundle PRIVATE
  SOTTO_TEST_VECTORS="${CMAKE_CURRENT_SOURCE_DIR}/vectors")
sotto_test(property bundle_changes CASES)
sotto_fuzz(bundle)
sotto_test(unit tensors)
sotto_test(property averages CASES LINK PkgConfig::gmp)
sotto_fuzz(tensors)
sotto_fuzz(shapes)
