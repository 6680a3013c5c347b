/* SPDX-License-Identifier: BSL-1.0
 * wrapper.c - decryptedMessageLayer around a message that is not looked at (D-03). */
#include "../common/bytes.h"
#include "model.h"
#include "wire.h"

static uint32_t wrapper_id(void) {
  return schat__tl_constructor_at(SCHAT__TL_decryptedMessageLayer)->id;
}

int schat__wrapper_decode(const uint8_t *data, size_t size, schat__wrapper *wrapper) {
  schat__reader r = {data, size, 0, 0};
  schat__wrapper w;
  const uint32_t id = schat__read32(&r);
  w.random_bytes = schat__tl_read_string(&r);
  w.layer = schat__int32(schat__read32(&r));
  w.in_seq_no = schat__int32(schat__read32(&r));
  w.out_seq_no = schat__int32(schat__read32(&r));
  if (r.failed || id != wrapper_id()) return SCHAT_E_MALFORMED;
  w.message.size = size - r.at;
  w.message.data = data + r.at;
  *wrapper = w;
  return SCHAT_OK;
}

size_t schat__wrapper_encode(const schat__wrapper *wrapper, size_t message_size, uint8_t *out, size_t *message_at) {
  schat__writer w = {out, out != NULL ? SIZE_MAX : 0, 0};
  schat__write32(&w, wrapper_id());
  schat__tl_write_string(&w, wrapper->random_bytes);
  schat__write32(&w, (uint32_t)wrapper->layer);
  schat__write32(&w, (uint32_t)wrapper->in_seq_no);
  schat__write32(&w, (uint32_t)wrapper->out_seq_no);
  *message_at = w.size;
  return w.size + message_size;
}
