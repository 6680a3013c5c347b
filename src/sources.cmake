# SPDX-License-Identifier: BSL-1.0
# Every source file, relative to the top of the tree, for this build and for those that compile the library inline.
set(SECRETCHAT_SOURCES
  src/api/placeholder.c
)
set(SECRETCHAT_SQLITE_SOURCES
  src/sqlite/sqlite_file.c
  src/sqlite/store_sqlite.c
)
