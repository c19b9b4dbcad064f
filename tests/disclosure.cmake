# SPDX-License-Identifier: Apache-2.0
sotto_test(unit rules)
sotto_test(unit grammar)
sotto_test(property sketch CASES)
sotto_test(property parts CASES LINK PkgConfig::gmp)
sotto_test(unit ledger)
sotto_test(unit tally CASES)
sotto_test(unit judge)
sotto_test(unit mixture CASES)
