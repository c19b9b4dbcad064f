# SPDX-License-Identifier: Apache-2.0
sotto_test(property task CASES LINK PkgConfig::sodium)
sotto_test(property agreement CASES LINK PkgConfig::sodium PkgConfig::jansson)
