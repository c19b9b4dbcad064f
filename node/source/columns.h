/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_COLUMNS_H
#define SOTTO_NODE_SOURCE_COLUMNS_H

/* What a driver's columns are to Sotto. */

#include "source/adbc.h"
#include "source/source.h"

/* The column as parcels say it: its type, or why it has none. Borrows its name. */
struct sotto_parcel_column source_column_find(const struct ArrowSchema *column);

#endif
