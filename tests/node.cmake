# SPDX-License-Identifier: Apache-2.0
foreach(name config log store logins outbox peer_session places queue seats)
  sotto_test(unit ${name} LINK sotto_node)
endforeach()

# A driver of a database that also misbehaves, for what loads it in a process of its own.
foreach(driver hostile_driver named_driver)
  add_library(${driver} MODULE support/hostile_driver.c)
  target_include_directories(${driver} PRIVATE ${PROJECT_SOURCE_DIR}/node
    ${PROJECT_SOURCE_DIR}/base/include ${PROJECT_SOURCE_DIR}/dataset/include)
  target_link_libraries(${driver} PRIVATE sotto_flags)
endforeach()
target_compile_definitions(named_driver PRIVATE ENTRY=AdbcDriverInit)
foreach(name source streamed)
  sotto_test(unit ${name} LINK sotto_node)
  target_compile_definitions(test_${name} PRIVATE
    SOTTO_TEST_DRIVER="$<TARGET_FILE:hostile_driver>" SOTTO_TEST_BINARY="$<TARGET_FILE:sotto>")
  add_dependencies(test_${name} hostile_driver sotto)
endforeach()
sotto_test(unit command LINK sotto_node)
target_compile_definitions(test_command PRIVATE SOTTO_TEST_BINARY="$<TARGET_FILE:sotto>")
add_dependencies(test_command sotto)
sotto_test(unit keeper LINK sotto_node)
sotto_test(unit confine LINK sotto_node)
target_link_options(test_confine PRIVATE LINKER:--wrap=fence_writes)
sotto_test(unit sourced LINK sotto_node)
target_compile_definitions(test_sourced PRIVATE SOTTO_TEST_DRIVER="$<TARGET_FILE:named_driver>")
target_link_options(test_sourced PRIVATE LINKER:--wrap=clock_ms)
add_dependencies(test_sourced named_driver)

sotto_test(unit arrow_files LINK sotto_node)
target_compile_definitions(test_arrow_files PRIVATE
  SOTTO_TEST_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/arrow")
sotto_test(unit arrow_folder LINK sotto_node)
target_compile_definitions(test_arrow_folder PRIVATE
  SOTTO_TEST_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/arrow")

sotto_fuzz(arrow sotto_node)
sotto_fuzz(envelope sotto_node)
sotto_fuzz(contact sotto_node)
sotto_fuzz(listing sotto_node)

# sotto_e2e(<name> [options of sotto_add_test]): tests/e2e/test_<name>.py drives real daemons; the
# standard library of Debian's python3 is all it needs.
find_program(SOTTO_PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
function(sotto_e2e name)
  sotto_add_test(e2e/${name} ${ARGN} ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>"
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_${name}.py)
endfunction()
foreach(name
    average_wage
    backup
    cases
    checked
    code
    datasets
    dates
    times
    defects
    describe
    doctor
    dropouts
    folder
    guarded
    honest
    hostile_peer
    init
    ledger
    login
    long_tasks
    models_nodes
    ndjson
    nist
    options
    owner
    pages
    parts
    peer_side
    peers
    poc
    policy
    policy_rules
    receipts
    refusals
    restart
    steps
    strangers
    tables
    terminal
    told
    upgrade)
  sotto_e2e(${name})
endforeach()

sotto_add_test(e2e/sourced ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>"
  "SOTTO_TEST_DRIVER=$<TARGET_FILE:named_driver>"
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_sourced.py)

# What floods must be quicker than Python is.
add_executable(flood support/flood.c)
target_link_libraries(flood PRIVATE sotto_flags)
sotto_add_test(e2e/flood
  ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>" "SOTTO_FLOOD=$<TARGET_FILE:flood>"
    "SOTTO_SANITIZED=${SOTTO_SANITIZE}"
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_flood.py)
set_tests_properties(e2e/flood PROPERTIES RUN_SERIAL ON)
sotto_e2e(three_hosts MAY_SKIP)
sotto_e2e(models CASES)
sotto_e2e(learning SLOW MAY_SKIP)
sotto_e2e(models_r SLOW CASES MAY_SKIP)
sotto_e2e(sequences SLOW)
sotto_e2e(service SLOW MAY_SKIP)
if(NOT SOTTO_SANITIZE) # drivers are not built for them
  sotto_e2e(sources SLOW MAY_SKIP)
  add_executable(many_plans support/many_plans.c)
  target_link_libraries(many_plans PRIVATE sotto_test_support sotto_node)
  sotto_add_test(e2e/pushed SLOW CASES MAY_SKIP ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>"
    "SOTTO_MANY_PLANS=$<TARGET_FILE:many_plans>"
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_pushed.py)
  sotto_add_test(e2e/sources_nodes SLOW MAY_SKIP ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>"
    "SOTTO_LIBRARY=$<TARGET_FILE:sotto-shared>"
    "SOTTO_MPI=$<$<TARGET_EXISTS:sotto-mpi>:$<TARGET_FILE:sotto-mpi>>"
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_sources_nodes.py)
endif()
sotto_e2e(reference CASES LEVELS)

add_executable(ask random/ask.c)
target_link_libraries(ask PRIVATE sotto_test_support)
sotto_add_test(property/random_plans CASES
  ENVIRONMENT "SOTTO_ASK=$<TARGET_FILE:ask>" OMP_NUM_THREADS=1
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/random/test_random_plans.py)
sotto_add_test(property/random_edges CASES
  ENVIRONMENT "SOTTO_ASK=$<TARGET_FILE:ask>" OMP_NUM_THREADS=1
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/random/test_random_edges.py)
add_executable(recipes random/recipes.c random/trimmed_mean.c)
target_link_libraries(recipes PRIVATE sotto_test_support PkgConfig::gmp)
sotto_add_test(property/recipes CASES LEVELS
  ENVIRONMENT "SOTTO_RECIPES=$<TARGET_FILE:recipes>" OMP_NUM_THREADS=2
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/random/test_recipes.py)
sotto_add_test(property/medians CASES LEVELS
  ENVIRONMENT "SOTTO_ASK=$<TARGET_FILE:ask>" OMP_NUM_THREADS=2
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/random/test_medians.py)

sotto_add_test(e2e/bench
  COMMAND ${SOTTO_PYTHON3} -B ${PROJECT_SOURCE_DIR}/bench/e2e.py
    --bin ${PROJECT_BINARY_DIR} --quick)
sotto_add_test(e2e/demo COMMAND ${PROJECT_SOURCE_DIR}/node/demo.sh $<TARGET_FILE:sotto>)
set_tests_properties(e2e/demo PROPERTIES PASS_REGULAR_EXPRESSION
  "confirmed by all 3 parties.*identical: yes.*confirmed by 3 of 3 parties.*found: yes")

# sotto_caged(<name>): tests/unit/test_<name>.c runs real cages, which take bubblewrap.
function(sotto_caged name)
  add_executable(test_${name} unit/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE sotto_test_support sotto_node PkgConfig::jansson)
  target_compile_definitions(test_${name} PRIVATE SOTTO_TEST_FENCE="$<TARGET_FILE:sotto-fence>"
    SOTTO_TEST_SKIP="${CMAKE_CURRENT_SOURCE_DIR}/support/skip.sh"
    SOTTO_TEST_SOURCE="${PROJECT_SOURCE_DIR}")
  add_dependencies(test_${name} sotto-fence)
  sotto_add_test(unit/${name} SLOW MAY_SKIP COMMAND test_${name})
endfunction()
sotto_caged(cage)
sotto_caged(runner)
sotto_add_test(learning/runner SLOW MAY_SKIP
  COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/learning/test_runner.py
    ${PROJECT_SOURCE_DIR}/python/sotto ${CMAKE_CURRENT_SOURCE_DIR}/support)
