/* SPDX-License-Identifier: BSL-1.0
 * room.c - memory at hand, refused to the account under test: a site of its own (room.h). */
#include "room.h"

#include "explore.h"
#include "memory.h"

static int room_refuses(const schat_allocator *mem) {
  (void)mem;
  return memory_inside > 0 && explore_site(SITE_ROOM, 0) != MODE_NONE;
}
