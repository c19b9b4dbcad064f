# SPDX-License-Identifier: Apache-2.0
sotto_test(property task PkgConfig::sodium)
sotto_test(property agreement PkgConfig::sodium PkgConfig::jansson)
