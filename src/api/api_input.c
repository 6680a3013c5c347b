/* SPDX-License-Identifier: BSL-1.0
 * api_input.c - hands an Update, as it came from the network, to the function for its kind. */
#include "api.h"

int schat_api_input_update(schat_manager *manager, schat_bytes tl, int64_t now) {
  schat_update update;
  int status;
  if (manager == NULL) return SCHAT_E_INVALID;
  SCHAT_INIT(update);
  status = schat_api_decode_update(tl, &update);
  if (status != SCHAT_OK) return status;
  switch (update.type) {
    case SCHAT_UPDATE_MESSAGE:
      return schat_input_message(manager, &update.message, update.qts, now);
    case SCHAT_UPDATE_CHAT:
      return schat_input_chat(manager, &update.chat, now);
    case SCHAT_UPDATE_READ:
      return schat_input_read(manager, update.chat_id, update.max_date, update.date, now);
    default:
      return schat_input_typing(manager, update.chat_id, now);
  }
}
