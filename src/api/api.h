/* SPDX-License-Identifier: BSL-1.0
 * api.h - what the codec of Telegram's API shares: constructor ids, and readers of the objects that stand inside others. */
#ifndef SCHAT_API_API_H
#define SCHAT_API_API_H

#include <stddef.h>
#include <stdint.h>

#include "../common/buf.h"
#include "secretchat/secretchat.h"

#define SCHAT__API_TRUE 0x997275b5u
#define SCHAT__API_FALSE 0xbc799737u
#define SCHAT__API_VECTOR 0x1cb5c415u

#define SCHAT__API_STRING_MAX 0xffffffu /* bytes of a TL string: its length has 24 bits */

/* Readers. They go on where the reader stands and leave it behind the object; whatever is not canonical sets r->failed,
 * and then what they return means nothing. Structs get their size and borrow from the bytes that are read. */
int32_t schat__api_int(schat__reader *r);
int64_t schat__api_long(schat__reader *r);
schat_bytes schat__api_bytes(schat__reader *r);
/* The head of a boxed vector whose items take at least `item_size` bytes: their number, which fits the bytes that are left. */
size_t schat__api_vector(schat__reader *r, size_t item_size);

void schat__api_chat(schat__reader *r, schat_chat_update *chat);
void schat__api_file(schat__reader *r, schat_encrypted_file *file);
void schat__api_message(schat__reader *r, schat_encrypted_message *message);
/* 1: one of the four updates of secret chats; 0: another constructor, of which only the id was read. */
int schat__api_update(schat__reader *r, schat_update *update);

/* A reader over a whole object. 0, and a reader that has failed, when the bytes cannot hold one: NULL, or not a multiple of four. */
int schat__api_begin(schat__reader *r, schat_bytes tl);

#endif
