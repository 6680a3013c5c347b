/* SPDX-License-Identifier: BSL-1.0
 * shrink.c - see shrink.h. */
#include "shrink.h"

static int fails(const sim_options *o, sim_result *r) {
  sim_run(o, r);
  return r->failed;
}

/* Each class is switched off for which the schedule fails without it. */
static void fewer_classes(sim_options *o, uint32_t used) {
  for (int c = 0; c < SIM_CLASS_COUNT; c++) {
    sim_options tried = *o;
    sim_result r;
    tried.off |= UINT32_C(1) << c;
    if ((used >> c & 1u) != 0 && tried.off != o->off && fails(&tried, &r)) *o = tried;
  }
}

static void fewer_steps(sim_options *o) {
  sim_result r;
  for (int cut = o->steps / 2; cut > 0; cut = cut > 1 ? (cut + 1) / 2 : 0) {
    while (o->steps > cut) {
      sim_options tried = *o;
      tried.steps -= cut;
      if (!fails(&tried, &r)) break;
      *o = tried;
    }
    if (cut == 1) break;
  }
}

void shrink(const sim_options *failing, sim_options *least, sim_result *result) {
  sim_result r;
  *least = *failing;
  (void)fails(least, &r);
  least->steps = r.steps;
  for (int c = 0; c < SIM_CLASS_COUNT; c++) { /* what takes no part needs no switch */
    if ((r.used >> c & 1u) == 0) least->off &= ~(UINT32_C(1) << c);
  }
  fewer_steps(least);
  fewer_classes(least, r.used);
  fewer_steps(least);
  (void)fails(least, result);
}
