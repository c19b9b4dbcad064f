# SPDX-License-Identifier: Apache-2.0
sotto_test(unit aggregation LEVELS LINK PkgConfig::sodium PkgConfig::crypto)
target_compile_definitions(test_aggregation PRIVATE SOTTO_TEST_SOURCE="${PROJECT_SOURCE_DIR}")
sotto_test(unit fixed)
foreach(subject cheats dropouts explored lies record)
  sotto_test(property session_${subject} LINK PkgConfig::sodium)
endforeach()
# Of four parties it takes ten times as long: that is attack/both_ways, in ./dev test all.
set_property(TEST property/session_explored APPEND PROPERTY
  ENVIRONMENT SOTTO_TEST_ONLY=test_three_parties)
sotto_test(property session_faults CASES LINK PkgConfig::sodium)
sotto_test(property session_sparse CASES LINK PkgConfig::sodium)
sotto_test(property session_transcript CASES LINK PkgConfig::sodium)
sotto_fuzz(protocol PkgConfig::sodium)
sotto_fuzz(transcript PkgConfig::sodium)

# Constant time under valgrind, which sanitizers don't go with; checks of VERIFY builds branch on
# secrets.
find_program(SOTTO_VALGRIND valgrind)
find_path(VALGRIND_INCLUDE_DIR valgrind/memcheck.h)
if(SOTTO_VALGRIND AND VALGRIND_INCLUDE_DIR AND NOT SOTTO_SANITIZE AND NOT SOTTO_VERIFY)
  add_executable(test_ctime ctime/test_ctime.c)
  target_link_libraries(test_ctime PRIVATE sotto_test_support PkgConfig::sodium)
  sotto_add_test(ctime/aggregation
    COMMAND ${SOTTO_VALGRIND} -q --error-exitcode=1 $<TARGET_FILE:test_ctime>)
elseif(NOT SOTTO_SANITIZE)
  sotto_add_test(ctime/aggregation MAY_SKIP
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/support/skip.sh
      ctime/aggregation "valgrind is not installed")
endif()
