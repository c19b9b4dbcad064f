# SPDX-License-Identifier: Apache-2.0

# The test once more at each SIMD level below this machine's.
set(SOTTO_TEST_LEVELS generic)
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo flags REGEX "^flags.* avx512_vbmi2" LIMIT_COUNT 1)
  if(flags)
    list(APPEND SOTTO_TEST_LEVELS avx2)
  endif()
endif()
function(sotto_test_levels label name)
  foreach(level ${SOTTO_TEST_LEVELS})
    add_test(NAME ${label}/${name}@${level} COMMAND test_${name})
    set_tests_properties(${label}/${name}@${level} PROPERTIES LABELS ${label} TIMEOUT 300
      ENVIRONMENT "SOTTO_CPU=${level};OMP_WAIT_POLICY=passive")
  endforeach()
endfunction()

sotto_test(unit type)
sotto_test(unit number)
sotto_test(unit csv PkgConfig::zlib PkgConfig::zstd OpenMP::OpenMP_C)
sotto_test(unit arrow)
sotto_test(fault fault_dataset)
sotto_test(property csv_grammar)
sotto_test(property csv_paths OpenMP::OpenMP_C)
set_tests_properties(property/csv_paths PROPERTIES ENVIRONMENT OMP_WAIT_POLICY=passive) # tests run side by side
sotto_test_levels(unit csv)
sotto_test_levels(property csv_grammar)
sotto_test_levels(property csv_paths)
sotto_fuzz(csv OpenMP::OpenMP_C)
sotto_fuzz(catalogue)

if(NOT SOTTO_SANITIZE) # whose run-time library Python lacks
  add_test(NAME e2e/arrow
    COMMAND python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_arrow.py $<TARGET_FILE:sotto-shared>)
  set_tests_properties(e2e/arrow PROPERTIES LABELS e2e TIMEOUT 600 SKIP_RETURN_CODE 77)
endif()
