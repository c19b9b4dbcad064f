# SPDX-License-Identifier: Apache-2.0
sotto_test(unit aggregation PkgConfig::sodium PkgConfig::crypto)
sotto_test(property session PkgConfig::sodium)
sotto_fuzz(protocol PkgConfig::sodium)
