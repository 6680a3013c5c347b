/* SPDX-License-Identifier: BSL-1.0
 * journal.h - what journal.c and items.c share: entries of the journal and the lists beneath them. */
#ifndef SCHAT_CHAT_JOURNAL_H
#define SCHAT_CHAT_JOURNAL_H

#include "chat.h"

/* A new entry, or NULL without memory. */
schat__undo *schat__journal_add(schat__env *env, schat__undo_kind kind, schat__slot *slot);

/* Without a journal; there is room. */
void schat__list_insert(schat__slot *slot, schat__item *item);
void schat__list_remove(schat__slot *slot, schat__item *item);
/* Gives the lists back when all are empty. */
void schat__lists_trim(schat__env *env, schat__slot *slot);

/* Gives back data that was put in the place of what stood behind the head. */
void schat__item_free_data(schat__env *env, schat__item *item);
/* The same for what an item held before; wiped where it cannot be given back yet. */
void schat__item_drop_data(schat__env *env, const schat__item *item, const schat__item *before);

/* Puts a request in flight back; there is room. */
void schat__flight_insert(schat__env *env, const schat__flight *flight);

#endif
