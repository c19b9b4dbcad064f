# SPDX-License-Identifier: Apache-2.0
foreach(name config store peer_session)
  sotto_test(unit ${name} sotto_node)
endforeach()

sotto_fuzz(envelope sotto_node)
sotto_fuzz(contact sotto_node)

# sotto_e2e(<name>): tests/e2e/test_<name>.py drives real daemons; the standard library of Debian's
# python3 is all it needs.
find_program(SOTTO_PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
function(sotto_e2e name)
  add_test(NAME e2e/${name}
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_${name}.py)
  set_tests_properties(e2e/${name} PROPERTIES LABELS e2e TIMEOUT 300
    ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>")
endfunction()
foreach(name describe average_wage refusals dropouts restart defects peer_side policy policy_rules hostile_peer init three_hosts terminal options)
  sotto_e2e(${name})
endforeach()

sotto_e2e(reference)
foreach(level generic avx2) # the others' SIMD levels
  add_test(NAME e2e/reference@${level}
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_reference.py)
  set_tests_properties(e2e/reference@${level} PROPERTIES LABELS e2e TIMEOUT 300
    ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>;SOTTO_CPU=${level};SOTTO_TEST_SEED=2")
endforeach()
sotto_e2e(nist)

add_executable(ask random/ask.c)
target_link_libraries(ask PRIVATE sotto_test_support)
add_test(NAME property/random_plans
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/random/test_random_plans.py)
set_tests_properties(property/random_plans PROPERTIES LABELS property TIMEOUT 600
  ENVIRONMENT "SOTTO_ASK=$<TARGET_FILE:ask>;OMP_NUM_THREADS=1")

add_test(NAME e2e/bench
  COMMAND ${SOTTO_PYTHON3} -B ${PROJECT_SOURCE_DIR}/bench/e2e.py --bin ${PROJECT_BINARY_DIR} --quick)
add_test(NAME e2e/demo COMMAND ${PROJECT_SOURCE_DIR}/node/demo.sh $<TARGET_FILE:sotto>)
set_tests_properties(e2e/bench e2e/demo PROPERTIES LABELS e2e TIMEOUT 300)
set_tests_properties(e2e/demo PROPERTIES PASS_REGULAR_EXPRESSION "identical: yes")
