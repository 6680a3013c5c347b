/* SPDX-License-Identifier: BSL-1.0
 * main.c - one account of the library behind standard input and output, so that other programs can drive it.
 *
 * Input, one command a line, bytes in hex:
 *   create USER HASH | update_chat TL | inbound DATE HEX [TL of an encryptedFile] | result QID TL | error QID CODE TEXT
 *   send_text RANDOM_ID TTL HEX | send_raw TL | open RANDOM_ID | delete ID... | flush_history | screenshot | set_ttl TTL RANDOM_ID
 *   read_history DATE | close 0|1 | accept | tick MILLISECONDS | restart | quit
 * Output: any number of the lines below, then `ok`:
 *   query QID METHOD TL [after=QID]
 *   state Waiting|Active|Closed layer=N ttl=N outbound=0|1 access_hash=N key_hash=HEX
 *   message random_id=N text=HEX ttl=N media=NAME dump=HEX | deleted ID... | flush | read ID | screenshot ID | set_ttl TTL ID
 *   sent ID DATE | send_error ID CODE TEXT | rejected REASON | log TEXT
 * Time stands still but for `tick`. Option --accept-at-once: every invitation is accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "text.h"

/* 0 at the end of the input, or after quit. */
static int run_line(peer *p, text_line *line) {
  int go_on = 1;
  switch (text_read(stdin, line)) {
    case TEXT_END:
      return 0;
    case TEXT_UNREADABLE:
      puts("log bad command, too long or with a NUL");
      break;
    case TEXT_LINE:
      go_on = command_run(p, line->at);
      break;
  }
  puts("ok");
  return fflush(stdout) == 0 && go_on;
}

int main(int argc, char **argv) {
  peer p;
  text_line line = {NULL, 0, 0};
  memset(&p, 0, sizeof p);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--accept-at-once") != 0) {
      fprintf(stderr, "usage: %s [--accept-at-once]\n", argv[0]);
      return 2;
    }
    p.accept_at_once = 1;
  }
  int status = peer_begin(&p);
  if (status != SCHAT_OK) {
    fprintf(stderr, "line_peer: %s\n", schat_status_text(status));
    return 1;
  }
  while (run_line(&p, &line)) {
  }
  free(line.at);
  peer_end(&p);
  return 0;
}
