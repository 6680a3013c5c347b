/* SPDX-License-Identifier: BSL-1.0
 * plant.c - deliberate bugs, each as the library would show it at its border, so that a test can see every checker fail. */
#include <string.h>

#include "sim.h"

/* Never in a schedule that is not of the tests. */
int sim_plants(sim *s, sim_plant plant) {
  if (s->options.plant == SIM_PLANT_NONE || s->options.plant != plant) return 0;
  s->planted = 1;
  return 1;
}

void sim_plant_record(sim_device *d, uint32_t kind, int32_t chat_id, const void *bytes, size_t size) {
  schat_record r = {kind, chat_id, 987654321, {bytes, size}};
  store_apply(&d->store, &r, 1);
}
