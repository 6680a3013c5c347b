/* SPDX-License-Identifier: BSL-1.0
 * screen.c - prints the transcript: chapters, lines, key pictures, progress bars. */
#include "two_peers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
  int quiet, color, muted, chapter;
  int64_t start, now;
} screen;

void screen_setup(int quiet, int color) {
  screen.quiet = quiet;
  screen.color = color;
}

void screen_mute(int muted) {
  screen.muted = muted;
}

void screen_clock(int64_t now) {
  if (screen.start == 0) screen.start = now;
  screen.now = now;
}

static int hidden(void) {
  return screen.quiet || screen.muted;
}

/* Prints a paragraph in lines of 96 characters. */
static void wrap(const char *text) {
  while (*text != '\0') {
    size_t length = strlen(text), end = length;
    if (length > 96) {
      for (end = 96; end > 0 && text[end] != ' ';) end--;
    }
    printf("   %.*s\n", (int)end, text);
    text += end;
    while (*text == ' ') text++;
  }
}

void screen_chapter(const char *title, const char *explanation) {
  screen.chapter++;
  if (hidden()) return;
  printf(screen.color ? "\n\033[1m%2d. %s\033[0m\n" : "\n%2d. %s\n", screen.chapter, title);
  wrap(explanation);
  fflush(stdout);
}

static void print_time(void) {
  const int64_t seconds = (screen.now - screen.start) / SECOND;
  const int days = (int)(seconds / 86400), rest = (int)(seconds % 86400);
  printf("   day %-2d %02d:%02d:%02d  ", days + 1, rest / 3600, rest / 60 % 60, rest % 60);
}

void screen_line(const char *who, const char *format, ...) {
  va_list arguments;
  if (hidden()) return;
  print_time();
  printf("%-7s", who);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
}

/* Pictures ----------------------------------------------------------------------------------------------------------------- */

static void print_cells(const uint8_t *cells) {
  static const char *const colours[4] = {"255;255;255", "213;230;243", "45;87;117", "47;153;201"};
  static const char letters[] = " .+#";
  int i;
  for (i = 0; i < SCHAT_PICTURE_SIDE; i++) {
    if (screen.color) {
      printf("\033[48;2;%sm  \033[0m", colours[cells[i]]);
    } else {
      printf("%c%c", letters[cells[i]], letters[cells[i]]);
    }
  }
}

static void print_text_row(const char *text, int row) {
  for (; row > 0; row--) text = strchr(text, '\n') + 1;
  printf("%.*s", (int)strcspn(text, "\n"), text);
}

void screen_pictures(const uint8_t left[SCHAT_KEY_HASH_SIZE], const uint8_t right[SCHAT_KEY_HASH_SIZE]) {
  uint8_t cells[2][SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE];
  char text[2][SCHAT_KEY_TEXT_SIZE];
  int row;
  if (hidden()) return;
  schat_key_picture(left, cells[0]);
  schat_key_picture(right, cells[1]);
  schat_key_text(left, text[0]);
  schat_key_text(right, text[1]);
  printf("\n      %-32s%s\n", "on Alice's screen", "on Bob's screen");
  for (row = 0; row < SCHAT_PICTURE_SIDE; row++) {
    printf("      ");
    print_cells(cells[0] + row * SCHAT_PICTURE_SIDE);
    printf("        ");
    print_cells(cells[1] + row * SCHAT_PICTURE_SIDE);
    putchar('\n');
  }
  putchar('\n');
  for (row = 0; row < 4; row++) {
    printf("      ");
    print_text_row(text[0], row);
    printf("       ");
    print_text_row(text[1], row);
    putchar('\n');
  }
  putchar('\n');
}

void screen_progress(const char *who, const char *what, int64_t done, int64_t total) {
  const int width = 40, full = total > 0 ? (int)(done * width / total) : width;
  int i;
  if (hidden() || (!screen.color && done < total)) return; /* a bar that moves needs a terminal */
  if (screen.color) putchar('\r');
  print_time();
  printf("%-7s%s [", who, what);
  for (i = 0; i < width; i++) putchar(i < full ? '=' : ' ');
  printf("] %3d %%", total > 0 ? (int)(done * 100 / total) : 100);
  if (done >= total) putchar('\n');
  fflush(stdout);
}

/* Five bits a sample, low bits first. */
static unsigned sample(schat_bytes waveform, size_t index) {
  const size_t bit = index * 5;
  unsigned value = waveform.data[bit / 8];
  if (bit / 8 + 1 < waveform.size) value |= (unsigned)waveform.data[bit / 8 + 1] << 8;
  return value >> bit % 8 & 31;
}

void screen_waveform(const char *who, schat_bytes waveform) {
  static const char levels[] = " .:-=+*#";
  const size_t count = waveform.size * 8 / 5;
  size_t i;
  if (hidden()) return;
  print_time();
  printf("%-7s|", who);
  for (i = 0; i < count && i < 100; i++) putchar(levels[sample(waveform, i) / 4]);
  printf("|\n");
}

void fail(const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fprintf(stderr, "two_peers: ");
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}
