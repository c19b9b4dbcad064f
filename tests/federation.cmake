# SPDX-License-Identifier: Apache-2.0
foreach(subject faults lies losses rounds)
  sotto_test(property task_${subject} LINK PkgConfig::sodium)
endforeach()
sotto_test(property task_cover CASES LINK PkgConfig::sodium)
sotto_test(property receipt LINK PkgConfig::sodium)
sotto_test(property task_verified CASES LINK PkgConfig::sodium)
sotto_test(property task_joining CASES LINK PkgConfig::sodium)
sotto_test(property agreement CASES LINK PkgConfig::sodium PkgConfig::jansson)
