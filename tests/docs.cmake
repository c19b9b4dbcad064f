# SPDX-License-Identifier: Apache-2.0
# sotto_docs(<name>): tests/docs/test_<name>.py compares documents with the program.
function(sotto_docs name)
  sotto_add_test(docs/${name} ENVIRONMENT "SOTTO_BINARY=$<TARGET_FILE:sotto>"
    COMMAND ${SOTTO_PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/docs/test_${name}.py)
endfunction()
sotto_docs(bench)
sotto_docs(examples)
sotto_docs(lists)
sotto_docs(safe)
