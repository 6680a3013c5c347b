/* SPDX-License-Identifier: BSL-1.0
 * foreign_traits.c - what each client does, and the rule that says so. Numbers as in the catalogue of other clients' habits: H handshake,
 * R record layer, L layers, S sequence numbers, K rekeying, M services, F files. */
#include "foreign_inner.h"

static const foreign_rule android_rules[] = {
    {"S2", "in_seq_no is the last out_seq_no received, so that it lags by one from the second message on"},
    {"S5", "parity is not checked"},
    {"S8", "one Resend for each first missing number, remembered in memory"},
    {"S9", "four messages wait behind a gap, in memory; the fifth closes the chat"},
    {"S12", "a Resend waits in its place like any message"},
    {"S13", "what is sent again is built anew, under the key in use, with its own in_seq_no"},
    {"S14", "messages that were acknowledged are sent again when asked for"},
    {"S15, S16, M7",
     "a deleted message is repeated as DeleteMessages of its random_id; with fillers on, one whose row is gone as a filler"
     " whose in_seq_no is its own out_seq_no + 1"},
    {"K1", "RequestKey after 100 messages sealed or 120 opened, or seven days"},
    {"K2", "the larger exchange_id goes on, and AbortKey of its own goes to the peer when it yields"},
    {"K4", "another RequestKey while busy is ignored"},
    {"K8", "the initiator seals with the old key until the peer has used the new one"},
    {"K9, K7, K10", "drops the old key at the first message under the new one; takes that for CommitKey; sends Noop"},
    {"L2, L4, L7", "first messages state layer 46; 151 is announced and the smaller of both stated; NotifyLayer answers NotifyLayer"},
    {"R3, R9, R11", "pads 32 to 79 bytes, 15 random_bytes; drops a bad msg_key and fewer than 15 random_bytes"},
    {"H1", "g_a and g_b without leading zeros"},
    {NULL, NULL}};

static const foreign_rule ios_rules[] = {
    {"K2", "the smaller exchange_id goes on, and AbortKey of its own goes to the peer when it yields"},
    {"K4", "another RequestKey while busy replaces the exchange"},
    {"K7", "reads nothing under the new key before CommitKey"},
    {"K9", "never drops an old key"},
    {"S3", "in_seq_no is computed anew when a message is sent again"},
    {"S5", "drops what has the wrong parity"},
    {"S6", "in_seq_no is negative before anything was received"},
    {"S8", "asks again with every message that comes behind the gap"},
    {"S13, R12", "builds anew under the key in use; service messages get another random_id"},
    {"S14", "forgets what was acknowledged, and does not answer for it"},
    {"L3, L12",
     "reads by the table of the stated layer: 46, 73, 101 or 144; a message with any other layer, or a constructor its table"
     " lacks, is never read and nothing after it is"},
    {"R10", "keeps messages of unknown keys for ever"},
    {"H1", "g_a and g_b without leading zeros"},
    {NULL, NULL}};

static const foreign_rule tdlib_rules[] = {
    {"D-37", "closes the chat for every violation there is"},
    {"S5, S4, S6", "among them parity, in_seq_no that falls, is negative or more than was sent"},
    {"L5", "among them a layer in the wrapper lower than before"},
    {"L9, R8, R9", "among them an unknown constructor, MTProto 1 and a bad msg_key"},
    {"S8", "asks for the first hole once, and never again below what was asked for"},
    {"D-36", "the request may be lost between two stops: the note that it was asked is kept, the message is not"},
    {"S10, S14", "erases what is acknowledged; closes the chat when asked for it, or for more than 1,001"},
    {"S12", "answers a Resend at once, even behind a gap"},
    {"S13", "sends the same bytes again, under whatever key sealed them"},
    {"S15", "a deleted message is repeated as DeleteMessages of its random_id"},
    {"K1", "RequestKey after more than 100 messages of both sides, or seven days"},
    {"K3, K4, K11", "closes the chat for an AbortKey, RequestKey, AcceptKey or CommitKey out of turn"},
    {"K7", "reads the new key from AcceptKey on, seals with it after CommitKey"},
    {"K9", "drops the old key at the first message under the new one, gap or not"},
    {"R-PFS-20", "never sends Noop"},
    {"L1, R3, R11", "states 73 before the peer's layer is known; pads to buckets; 31 random_bytes"},
    {"H1", "g_a and g_b without leading zeros"},
    {NULL, NULL}};

static const foreign_rule madeline_rules[] = {{"R7", "messages go out as MTProto 1, NotifyLayer first, until the peer's layer is known"},
                                              {"S9", "one gap at a time: asks once, and again only when that one is closed"},
                                              {"S13", "builds anew, under the key in use"},
                                              {"K2", "the larger exchange_id goes on, silently"},
                                              {"K3", "ignores AbortKey"},
                                              {"K9", "keeps the old key until the next rekeying"},
                                              {"K10", "sends Noop after the switch"},
                                              {"L1", "states 46 before the peer's layer is known"},
                                              {"R3, R11", "pads 12 to 27 bytes, 15 random_bytes; refuses fewer"},
                                              {"H1", "g_a and g_b without leading zeros"},
                                              {NULL, NULL}};

static const foreign_traits traits[FOREIGN_PROFILES] = {
    [FOREIGN_ANDROID] = {.name = "Android",
                         .rules = android_rules,
                         .layer = 151,
                         .first_layer = 46,
                         .random_bytes = 15,
                         .holders = 4,
                         .pad = PAD_BLOCKS,
                         .ask = ASK_EACH_START,
                         .resend = RESEND_REBUILT,
                         .tie = TIE_LARGER_ABORTS,
                         .busy = BUSY_IGNORES,
                         .old_key = OLD_KEY_UNTIL_NEW_SEEN,
                         .rekey_out = 100,
                         .rekey_in = 120,
                         .in_seq_lags = 1,
                         .checks_random_bytes = 1,
                         .holders_in_memory = 1,
                         .late_switch = 1,
                         .opens_next = 1,
                         .switches_on_use = 1,
                         .noop = 1,
                         .answers_layer = 1},
    [FOREIGN_IOS] = {.name = "iOS",
                     .policy = SCHAT_POLICY_TOLERATE_IN_SEQ_NO,
                     .rules = ios_rules,
                     .layer = 144,
                     .first_layer = 73,
                     .random_bytes = 15,
                     .pad = PAD_BLOCKS,
                     .ask = ASK_EACH_PASS,
                     .resend = RESEND_REBUILT,
                     .tie = TIE_SMALLER_ABORTS,
                     .busy = BUSY_REPLACES,
                     .old_key = OLD_KEY_FOR_EVER,
                     .rekey_both = 100,
                     .strict_layers = 1,
                     .in_seq_recomputed = 1,
                     .new_service_ids = 1,
                     .negative_in_seq = 1,
                     .checks_parity = 1,
                     .forgets_acked = 1,
                     .keeps_unreadable = 1,
                     .noop = 1},
    [FOREIGN_TDLIB] = {.name = "TDLib",
                       .rules = tdlib_rules,
                       .layer = 144,
                       .first_layer = 73,
                       .random_bytes = 31,
                       .pad = PAD_BUCKETS,
                       .ask = ASK_FIRST_HOLE_EVER,
                       .resend = RESEND_BYTES,
                       .tie = TIE_LARGER,
                       .busy = BUSY_CLOSES,
                       .old_key = OLD_KEY_UNTIL_NEW_SEEN,
                       .rekey_both = 100,
                       .strict = 1,
                       .resend_at_once = 1,
                       .resend_can_be_lost = 1,
                       .forgets_acked = 1,
                       .opens_next = 1,
                       .bad_mac_closes = 1},
    [FOREIGN_MADELINE] = {.name = "MadelineProto",
                          .rules = madeline_rules,
                          .layer = 144,
                          .first_layer = 46,
                          .random_bytes = 15,
                          .pad = PAD_LEAST,
                          .ask = ASK_ONE_GAP,
                          .resend = RESEND_REBUILT,
                          .tie = TIE_LARGER,
                          .busy = BUSY_IGNORES,
                          .old_key = OLD_KEY_UNTIL_NEXT,
                          .rekey_both = 100,
                          .checks_random_bytes = 1,
                          .checks_parity = 1,
                          .opens_next = 1,
                          .noop = 1,
                          .ignores_abort = 1,
                          .begins_with_v1 = 1},
};

const foreign_traits *foreign_traits_of(foreign_profile profile) {
  return &traits[profile];
}

const char *foreign_name(foreign_profile profile) {
  return traits[profile].name;
}

uint32_t foreign_policy(foreign_profile profile) {
  return traits[profile].policy;
}

const foreign_rule *foreign_rules(foreign_profile profile) {
  return traits[profile].rules;
}
