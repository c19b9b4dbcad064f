# SPDX-License-Identifier: Apache-2.0
# The tests of python/, in the virtual environment that ./dev sets up; without it they are skipped.
# Not with sanitizers, whose run-time libraries Python lacks.
function(sotto_python name)
  add_test(NAME python/${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/python.sh ${ARGN})
  set_tests_properties(python/${name} PROPERTIES LABELS python TIMEOUT 300 SKIP_RETURN_CODE 77
    ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>;SOTTO_LIBRARY=$<TARGET_FILE:sotto-shared>;OMP_WAIT_POLICY=passive")
endfunction()

if(NOT SOTTO_SANITIZE)
  sotto_python(plan test_plan.py test_results.py)
  sotto_python(federated test_client.py test_delta.py test_operations.py)
  sotto_python(research test_research.py test_random_expressions.py test_peers.py)
  sotto_python(notebooks test_notebooks.py)
endif()
