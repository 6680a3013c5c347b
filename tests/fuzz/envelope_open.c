/* SPDX-License-Identifier: BSL-1.0
 * envelope_open.c - target: encrypted messages as they come from the server. The verdict must be the one that the rules give
 * (R-DEC-01..07), whatever is refused must leave nothing behind, and what is inside goes on to the readers of TL.
 *
 * Input: how (below), two bytes for it, then the packet, the plaintext with its length and padding, or the object. What is not a packet is
 * sealed here under the true key, so that the verdict on what is inside is reached. */
#include <string.h>

#include "common/bytes.h"
#include "envelope/envelope.h"
#include "fuzz.h"
#include "tl/model.h"

#define PLAIN_MAX 4096u
#define PACKET_MAX (SCHAT__ENVELOPE_HEAD + PLAIN_MAX)

#define HOW_MTPROTO1 0x01u
#define HOW_ORIGINATOR 0x02u
#define HOW_PLAIN 0x04u      /* the rest is the plaintext */
#define HOW_OBJECT 0x08u     /* the rest is the object: padded here */
#define HOW_FLIP 0x10u       /* one bit of the sealed packet is wrong */
#define HOW_OTHER_KEY 0x20u  /* opened under another key of the same fingerprint */
#define HOW_OTHER_SIDE 0x40u /* opened as if it came from ourselves */
#define HOW_OTHER_NAME 0x80u /* opened under the right key, named otherwise */

static uint8_t keys[2][256];
static int64_t fingerprint;
static uint8_t packet[PACKET_MAX], plain[PLAIN_MAX], work[PLAIN_MAX], resealed[PACKET_MAX];

static void prepare(void) {
  fuzz_seed seed = {1};
  if (fingerprint != 0) return;
  (void)fuzz_random(&seed, keys[0], sizeof keys);
  FUZZ_MUST(schat__key_fingerprint(fuzz_crypto(1), keys[0], &fingerprint) == SCHAT_OK);
}

static int length_is_lawful(const uint8_t *text, size_t size, int mtproto) {
  const uint64_t length = schat__load32(text), room = size - 4;
  const uint64_t least = mtproto == 2 ? 12 : 0, most = mtproto == 2 ? 1024 : 15;
  return length % 4 == 0 && length + least <= room && room <= length + most;
}

/* MTProto 1: the hash ends where the length says, and covers all where that is unlawful. */
static void seal1(schat__crypto *crypto, const uint8_t *text, size_t size, uint8_t *out) {
  uint8_t aes_key[32], aes_iv[32];
  const size_t hashed = length_is_lawful(text, size, 1) ? 4 + (size_t)schat__load32(text) : size;
  schat__store64(out, (uint64_t)fingerprint);
  FUZZ_MUST(schat__msg_key1(crypto, out + 8, text, hashed) == SCHAT_OK);
  FUZZ_MUST(schat__kdf1(crypto, aes_key, aes_iv, keys[0], out + 8, 0) == SCHAT_OK);
  FUZZ_MUST(schat__ige_encrypt(crypto, aes_key, aes_iv, text, out + SCHAT__ENVELOPE_HEAD, size) == SCHAT_OK);
}

static void seal(schat__crypto *crypto, unsigned how, const uint8_t *text, size_t size, uint8_t *out) {
  if ((how & HOW_MTPROTO1) != 0) {
    seal1(crypto, text, size, out);
    return;
  }
  const int originator = (how & HOW_ORIGINATOR) != 0;
  FUZZ_MUST(schat__envelope_seal(crypto, keys[0], fingerprint, originator, text, size, out) == SCHAT_OK);
}

/* The plaintext that the input stands for; 0: none. */
static size_t make_plain(schat__crypto *crypto, unsigned how, unsigned first, unsigned extra, fuzz_input *in) {
  const size_t head = (how & HOW_OBJECT) != 0 ? 4 : 0;
  const unsigned padding = (first << 8 | extra) % 1064u; /* of HOW_PLAIN: lawful and not, around both ends of what is */
  const schat_bytes rest = fuzz_rest(in, PLAIN_MAX - head - SCHAT__PADDING_MAX - 16);
  size_t size = rest.size / (head == 4 ? 4 : 16) * (head == 4 ? 4 : 16);
  if (size > 0) memcpy(plain + head, rest.data, size);
  if (head == 0 && size >= 4 && first < 0xf0) schat__store32(plain, (uint32_t)size - 4u - padding); /* no compare leads there: X-01 */
  if (head == 0) return size;
  if ((how & HOW_MTPROTO1) != 0) {
    const size_t whole = (4 + size + 15) / 16 * 16;
    schat__store32(plain, (uint32_t)size);
    memset(plain + 4 + size, (int)extra, whole - 4 - size);
    return whole;
  }
  const size_t padded = schat__padded_size(size, extra & 15, (extra & 16) != 0);
  FUZZ_MUST(schat__pad(crypto, plain, size, padded) == SCHAT_OK);
  return padded;
}

static int all_zero(const uint8_t *data, size_t size) {
  return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* An authentic object meets what comes next; the size is a multiple of four by then. */
static void look_inside(const uint8_t *object, size_t size) {
  static schat__arena arena;
  schat__wrapper wrapper;
  schat_message message;
  schat__action action;
  if (arena.limit == 0) schat__arena_init(&arena, NULL, 1 << 20);
  FUZZ_MUST(size % 4 == 0);
  if (schat__wrapper_decode(object, size, &wrapper) != SCHAT_OK) return;
  FUZZ_MUST(fuzz_within(wrapper.random_bytes, object, size) && wrapper.message.data + wrapper.message.size == object + size);
  int status = schat__message_decode(&arena, wrapper.message, &message, &action);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_MALFORMED);
  schat__arena_reset(&arena);
}

/* What was opened, sealed again, is the packet that came: there is one packet for a plaintext. */
static void same_packet_back(schat__crypto *crypto, unsigned how, size_t size) {
  const unsigned sealed_how = (how & HOW_OTHER_SIDE) != 0 ? how ^ HOW_ORIGINATOR : how;
  seal(crypto, sealed_how, work + PLAIN_MAX - (size - SCHAT__ENVELOPE_HEAD), size - SCHAT__ENVELOPE_HEAD, resealed);
  FUZZ_MUST(memcmp(resealed, packet, size) == 0);
}

/* `expected`: 1, 0, or -1 where the packet is not of our making. */
static void open_packet(schat__crypto *crypto, unsigned how, size_t size, int expected) {
  const size_t work_size = size > SCHAT__ENVELOPE_HEAD ? size - SCHAT__ENVELOPE_HEAD : 0;
  const int mtproto = (how & HOW_MTPROTO1) != 0 ? 1 : 2;
  const int originator = ((how & HOW_ORIGINATOR) != 0) ^ ((how & HOW_OTHER_SIDE) != 0);
  const int64_t name = (how & HOW_OTHER_NAME) != 0 ? ~fingerprint : fingerprint;
  const uint8_t *object = NULL;
  size_t object_size = 12345;
  uint8_t *at = work + PLAIN_MAX - work_size; /* one byte more would be seen */
  memset(at, 0x77, work_size);
  int verdict =
      schat__envelope_open(crypto, keys[(how & HOW_OTHER_KEY) != 0], name, mtproto, originator, packet, size, at, &object, &object_size);
  FUZZ_MUST(verdict == 0 || verdict == 1);
  FUZZ_MUST(expected < 0 || verdict == expected);
  if (verdict == 0) {
    FUZZ_MUST(object == NULL && object_size == 12345);
    FUZZ_MUST(size < 40 || (size - SCHAT__ENVELOPE_HEAD) % 16 != 0 || all_zero(at, work_size));
    return;
  }
  FUZZ_MUST(size >= 40 && work_size % 16 == 0 && length_is_lawful(at, work_size, mtproto));
  FUZZ_MUST(object == at + 4 && object_size == schat__load32(at));
  same_packet_back(crypto, how, size);
  look_inside(object, object_size);
}

/* Sealed by us: opens exactly when nothing was made wrong, and the length is lawful. In MTProto 1 the direction is not in the keys. */
static int verdict_on(unsigned how, size_t size) {
  const unsigned wrong = HOW_FLIP | HOW_OTHER_KEY | HOW_OTHER_NAME | ((how & HOW_MTPROTO1) != 0 ? 0 : HOW_OTHER_SIDE);
  return (how & wrong) == 0 && length_is_lawful(plain, size, (how & HOW_MTPROTO1) != 0 ? 1 : 2);
}

/* A bit of the padding of MTProto 1 is covered by no hash: such a packet may open. */
static int flip_may_be_lost(unsigned how) {
  return (how & (HOW_MTPROTO1 | HOW_FLIP)) == (HOW_MTPROTO1 | HOW_FLIP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input in = {data, size};
  const unsigned how = fuzz_take8(&in), first = fuzz_take8(&in), second = fuzz_take8(&in);
  prepare();
  schat__crypto *crypto = fuzz_crypto(fuzz_digest(data, size));
  if ((how & (HOW_PLAIN | HOW_OBJECT)) == 0) {
    const schat_bytes rest = fuzz_rest(&in, PACKET_MAX);
    if (rest.size > 0) memcpy(packet, rest.data, rest.size);
    if (rest.size >= 8 && first == 0) schat__store64(packet, (uint64_t)fingerprint);
    open_packet(crypto, how, rest.size, -1);
    return 0;
  }
  const size_t plain_size = make_plain(crypto, how, first, second, &in);
  if (plain_size == 0) return 0;
  seal(crypto, how, plain, plain_size, packet);
  const size_t packet_size = SCHAT__ENVELOPE_HEAD + plain_size;
  const size_t bit = ((size_t)first << 8 | second) * 7919u % (packet_size * 8);
  if ((how & HOW_FLIP) != 0) packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
  open_packet(crypto, how, packet_size, flip_may_be_lost(how) ? -1 : verdict_on(how, plain_size));
  return 0;
}
