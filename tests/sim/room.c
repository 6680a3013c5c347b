/* SPDX-License-Identifier: BSL-1.0
 * room.c - memory at hand counts as an allocation that can fail, where the simulator is asked for it (room.h, --room). */
#include "room.h"

#include "pool.h"

int pool_counts_room;

static int room_refuses(const schat_allocator *mem) {
  return pool_counts_room && mem != NULL && pool_refuses(mem->user_data);
}
