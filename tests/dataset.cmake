# SPDX-License-Identifier: Apache-2.0
sotto_test(unit type)
sotto_test(unit number)
sotto_test(unit csv)
sotto_test(fault fault_dataset)
sotto_test(property csv_grammar)
sotto_fuzz(csv)
sotto_fuzz(catalogue)
