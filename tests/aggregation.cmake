# SPDX-License-Identifier: Apache-2.0
sotto_test(unit aggregation PkgConfig::sodium PkgConfig::crypto)
# The same suite at each SIMD level; a level that this CPU lacks is skipped.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  foreach(level generic avx2 avx512)
    add_test(NAME unit/aggregation_${level} COMMAND test_aggregation)
    set_tests_properties(unit/aggregation_${level} PROPERTIES LABELS unit TIMEOUT 300
      ENVIRONMENT SOTTO_CPU=${level} SKIP_REGULAR_EXPRESSION "this CPU offers up to")
  endforeach()
endif()
sotto_test(unit fixed)
sotto_test(property session PkgConfig::sodium)
sotto_fuzz(protocol PkgConfig::sodium)
