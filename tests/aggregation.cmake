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

# Constant time under valgrind, which sanitizers don't go with.
find_program(SOTTO_VALGRIND valgrind)
find_path(VALGRIND_INCLUDE_DIR valgrind/memcheck.h)
if(SOTTO_VALGRIND AND VALGRIND_INCLUDE_DIR AND NOT SOTTO_SANITIZE)
  add_executable(test_ctime ctime/test_ctime.c)
  target_link_libraries(test_ctime PRIVATE sotto_test_support PkgConfig::sodium)
  add_test(NAME ctime/aggregation COMMAND ${SOTTO_VALGRIND} -q --error-exitcode=1 $<TARGET_FILE:test_ctime>)
  set_tests_properties(ctime/aggregation PROPERTIES LABELS ctime TIMEOUT 300)
endif()
