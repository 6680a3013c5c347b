/* SPDX-License-Identifier: BSL-1.0
 * api_write.c - see api_write.h. */
#include "api_write.h"

#include "tl/wire.h"

static void w32(schat__writer *w, int32_t v) {
  schat__write32(w, (uint32_t)v);
}
static void w64(schat__writer *w, int64_t v) {
  schat__write64(w, (uint64_t)v);
}

static void write_common(schat__writer *w, const schat_chat_update *chat) {
  w32(w, chat->chat_id);
  w64(w, chat->access_hash);
  w32(w, chat->date);
  w64(w, chat->admin_id);
  w64(w, chat->participant_id);
}

static void write_requested(schat__writer *w, const schat_chat_update *chat) {
  schat__write32(w, 0x48f1d94cu);
  w32(w, chat->folder_id != 0);
  if (chat->folder_id != 0) w32(w, chat->folder_id);
  write_common(w, chat);
  schat__tl_write_string(w, chat->g_a);
}

void api_write_chat(schat__writer *w, const schat_chat_update *chat) {
  switch (chat->type) {
    case SCHAT_CHAT_UPDATE_EMPTY:
      schat__write32(w, 0xab7ec0a0u);
      w32(w, chat->chat_id);
      break;
    case SCHAT_CHAT_UPDATE_WAITING:
      schat__write32(w, 0x66b25953u);
      write_common(w, chat);
      break;
    case SCHAT_CHAT_UPDATE_REQUESTED:
      write_requested(w, chat);
      break;
    case SCHAT_CHAT_UPDATE_CHAT:
      schat__write32(w, 0x61f0d4c7u);
      write_common(w, chat);
      schat__tl_write_string(w, chat->g_a);
      w64(w, chat->key_fingerprint);
      break;
    default:
      schat__write32(w, 0x1e1c7c45u);
      w32(w, chat->history_deleted);
      w32(w, chat->chat_id);
  }
}

void api_write_file(schat__writer *w, const schat_encrypted_file *file) {
  if (file->id == 0) {
    schat__write32(w, 0xc21f497eu);
    return;
  }
  schat__write32(w, 0xa8008cd8u);
  w64(w, file->id);
  w64(w, file->access_hash);
  w64(w, file->size);
  w32(w, file->dc_id);
  w32(w, file->key_fingerprint);
}

void api_write_message(schat__writer *w, const schat_encrypted_message *message) {
  schat__write32(w, message->service ? 0x23734b06u : 0xed18c118u);
  w64(w, message->random_id);
  w32(w, message->chat_id);
  w32(w, message->date);
  schat__tl_write_string(w, message->bytes);
  if (!message->service) api_write_file(w, &message->file);
}

void api_write_update(schat__writer *w, const schat_update *update) {
  switch (update->type) {
    case SCHAT_UPDATE_MESSAGE:
      schat__write32(w, 0x12bcbd9au);
      api_write_message(w, &update->message);
      w32(w, update->qts);
      break;
    case SCHAT_UPDATE_CHAT:
      schat__write32(w, 0xb4a2e88du);
      api_write_chat(w, &update->chat);
      w32(w, update->date);
      break;
    case SCHAT_UPDATE_READ:
      schat__write32(w, 0x38fe25b7u);
      w32(w, update->chat_id);
      w32(w, update->max_date);
      w32(w, update->date);
      break;
    default:
      schat__write32(w, 0x1710f156u);
      w32(w, update->chat_id);
  }
}

void api_write_answer(schat__writer *w, const schat_answer *answer) {
  switch (answer->type) {
    case SCHAT_ANSWER_DH_CONFIG:
      schat__write32(w, 0x2c221eddu);
      w32(w, answer->g);
      schat__tl_write_string(w, answer->p);
      w32(w, answer->version);
      schat__tl_write_string(w, answer->random);
      break;
    case SCHAT_ANSWER_DH_NOT_MODIFIED:
      schat__write32(w, 0xc0e24635u);
      schat__tl_write_string(w, answer->random);
      break;
    case SCHAT_ANSWER_CHAT:
      api_write_chat(w, &answer->chat);
      break;
    default:
      schat__write32(w, answer->type == SCHAT_ANSWER_SENT_FILE ? 0x9493ff32u : 0x560f8935u);
      w32(w, answer->date);
      if (answer->type == SCHAT_ANSWER_SENT_FILE) api_write_file(w, &answer->file);
  }
}

static void write_vector(schat__writer *w, size_t count) {
  schat__write32(w, SCHAT__TL_VECTOR_ID);
  schat__write32(w, (uint32_t)count);
}

void api_write_difference(schat__writer *w, const schat_difference *difference, int slice) {
  schat__write32(w, slice ? 0xa8fb1981u : 0x00f49ca0u);
  write_vector(w, 0);
  write_vector(w, difference->message_count);
  for (size_t i = 0; i < difference->message_count; i++) api_write_message(w, &difference->messages[i]);
  write_vector(w, difference->chat_count);
  for (size_t i = 0; i < difference->chat_count; i++) {
    schat__write32(w, 0xb4a2e88du);
    api_write_chat(w, &difference->chats[i]);
    w32(w, difference->date);
  }
  write_vector(w, 0);
  write_vector(w, 0);
  schat__write32(w, 0xa56c2a3eu);
  w32(w, 1);
  w32(w, difference->qts);
  w32(w, difference->date);
  w32(w, 0);
  w32(w, 0);
}
