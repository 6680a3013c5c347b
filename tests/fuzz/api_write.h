/* SPDX-License-Identifier: BSL-1.0
 * api_write.h - writes what the decoders of Telegram's API read, independently of them: for seeds, and to compare. */
#ifndef SCHAT_TESTS_FUZZ_API_WRITE_H
#define SCHAT_TESTS_FUZZ_API_WRITE_H

#include "common/buf.h"
#include "secretchat/secretchat.h"

void api_write_chat(schat__writer *w, const schat_chat_update *chat);
void api_write_file(schat__writer *w, const schat_encrypted_file *file);
void api_write_message(schat__writer *w, const schat_encrypted_message *message);
void api_write_update(schat__writer *w, const schat_update *update);
/* Those of DH_CONFIG, DH_NOT_MODIFIED, CHAT, SENT and SENT_FILE. */
void api_write_answer(schat__writer *w, const schat_answer *answer);
/* updates.difference, or its slice, of nothing but secret chats. */
void api_write_difference(schat__writer *w, const schat_difference *difference, int slice);

#endif
