# SPDX-License-Identifier: Apache-2.0
# sotto_docs(<name>): tests/docs/test_<name>.py compares documents with the program.
function(sotto_docs name)
  add_test(NAME docs/${name}
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/docs/test_${name}.py)
  set_tests_properties(docs/${name} PROPERTIES LABELS "e2e;quick" TIMEOUT 300
    ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>")
endfunction()
sotto_docs(examples)
sotto_docs(lists)
