# SPDX-License-Identifier: Apache-2.0
# sotto_python(<label>/<name> <extra> [CASES] <arguments>...): runs Python in build/venv, where
# ./dev installs what an extra of python/pyproject.toml asks for: `quick` for ./dev test, `test`
# (big downloads) for ./dev test all. Not with sanitizers, whose run-time libraries Python lacks.
function(sotto_python name extra)
  cmake_parse_arguments(arg "CASES" "" "" ${ARGN})
  set(options MAY_SKIP)
  if(NOT extra STREQUAL quick)
    list(APPEND options SLOW)
  endif()
  if(arg_CASES)
    list(APPEND options CASES)
  endif()
  sotto_add_test(${name} ${options}
    ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>" "SOTTO_LIBRARY=$<TARGET_FILE:sotto-shared>"
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/python.sh ${name} ${extra}
      ${arg_UNPARSED_ARGUMENTS})
endfunction()

set(pytest -m pytest -c ../pyproject.toml)
if(NOT SOTTO_SANITIZE)
  sotto_python(python/plan quick ${pytest} test_plan.py test_results.py
    test_library.py)
  sotto_python(python/federated quick ${pytest} test_client.py test_delta.py
    test_delta_learning.py test_learning.py test_operations.py)
  sotto_python(python/expressions test CASES ${pytest} test_random_expressions.py)
  sotto_python(python/research test ${pytest} test_research.py test_arrow_files.py test_dates.py
    test_parts.py)
  sotto_python(python/practice test ${pytest} test_practice.py)
  sotto_python(python/habits test ${pytest} test_habits.py)
  sotto_python(python/delta_logit test ${pytest} test_delta_logit.py)
  sotto_python(python/stats test ${pytest} test_stats.py)
  sotto_python(python/plot test ${pytest} test_plot.py)
  sotto_python(python/peers test ${pytest} test_peers.py)
  sotto_python(python/spark test ${pytest} test_spark.py)
  sotto_python(python/notebooks test ${pytest} test_notebooks.py)
  sotto_python(e2e/scipy test CASES ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_scipy.py)
  sotto_python(e2e/board test ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_board.py)
  sotto_python(e2e/contract test ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_contract.py)
  sotto_python(e2e/arrow test CASES ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_arrow.py
    $<TARGET_FILE:sotto-shared>)
endif()
