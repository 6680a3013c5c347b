/* SPDX-License-Identifier: BSL-1.0
 * sqlite_run.h - the SQLite store on a disk that fails: opened, written, closed, opened again. */
#ifndef TESTS_FAULT_SQLITE_RUN_H
#define TESTS_FAULT_SQLITE_RUN_H

/* Before anything uses SQLite; 0: it cannot be. sqlite_tear_down: removes what was made. */
int sqlite_set_up(void);
void sqlite_tear_down(void);
/* An explore_run; arg: what to plant (a const int *), or NULL. */
int sqlite_run(void *arg);
/* Defects committed in the store's name: a disk whose sync does nothing, memory that is not given back. */
enum { SQLITE_PLANT_NONE, SQLITE_PLANT_NO_SYNC, SQLITE_PLANT_LEAK, SQLITE_PLANTS };
/* What the first run says that finds a planted defect; NULL: none does, or for another reason. */
const char *sqlite_finds(int plant);

#endif
