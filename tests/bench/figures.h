/* SPDX-License-Identifier: BSL-1.0
 * figures.h - what the benchmark tells: every figure with its goal, and beside it the limit and the rival of the same run. */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

#include <stdio.h>

#include "measure.h"

/* A time of the same run that a figure is held against. */
typedef struct {
  const char *name; /* NULL: none */
  double value;     /* in the unit of the figure's own time */
} other;

/* Sets a figure. `own`: its own time for the table, 0 where the value says it all. Times are ns, or in the figure's unit. */
void figure_set(const char *key, spread value, double own, other limit, other rival);
/* A figure without a spread and without others. */
void figure_number(const char *key, double value);
double figure_value(const char *key);

void figures_json(FILE *out);
void figures_table(FILE *out);
void figures_markdown(FILE *out);

/* The goals that are missed, told on stderr; unless `all`, of ratios of one piece of code to another alone. `slack`: by how much a goal may
 * be missed, 0.2 a fifth; not of counts. */
size_t figures_missed(int all, double slack);

#endif
