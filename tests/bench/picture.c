/* SPDX-License-Identifier: BSL-1.0
 * picture.c - cycles per byte over size, drawn as SVG: both axes logarithmic, the limit dashed. */
#include "picture.h"

#include <math.h>

#define LEFT 70.0
#define TOP 60.0
#define WIDTH 620.0
#define HEIGHT 380.0
#define LEGEND 20.0
#define LOWEST 0.125 /* cycles per byte at the bottom */
#define OCTAVES 10.0 /* up to 128 */

static const char *const colours[] = {"#222222", "#b03030", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#17707f", "#8c564b"};

static double x_of(size_t point) {
  return LEFT + WIDTH * (double)point / (double)(CURVE_POINTS - 1);
}

static double y_of(double cycles) {
  const double octave = log2(cycles / LOWEST), inside = octave < 0 ? 0 : octave > OCTAVES ? OCTAVES : octave;
  return TOP + HEIGHT * (1 - inside / OCTAVES);
}

static void size_text(char text[16], size_t size) {
  if (size >= 1024)
    (void)snprintf(text, 16, "%u KiB", (unsigned)(size / 1024));
  else
    (void)snprintf(text, 16, "%u", (unsigned)size);
}

static void axes(FILE *out) {
  char text[16];
  for (size_t i = 0; i < CURVE_POINTS; i += 2) {
    size_text(text, curve_size(i));
    fprintf(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#ddd'/><text x='%.1f' y='%.1f' text-anchor='middle'>%s</text>\n",
            x_of(i), TOP, x_of(i), TOP + HEIGHT, x_of(i), TOP + HEIGHT + 18, text);
  }
  for (double cycles = LOWEST; cycles <= LOWEST * 1024; cycles *= 2) {
    fprintf(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#ddd'/><text x='%.1f' y='%.1f' text-anchor='end'>%g</text>\n", LEFT,
            y_of(cycles), LEFT + WIDTH, y_of(cycles), LEFT - 8, y_of(cycles) + 4, cycles);
  }
  fprintf(out, "<text x='%.1f' y='%.1f' text-anchor='middle'>bytes of one stream</text>\n", LEFT + WIDTH / 2, TOP + HEIGHT + 40);
  fprintf(out, "<text transform='translate(20 %.1f) rotate(-90)' text-anchor='middle'>cycles per byte</text>\n", TOP + HEIGHT / 2);
}

static void draw_curve(FILE *out, const curve *c, size_t place) {
  const char *colour = colours[place % (sizeof colours / sizeof colours[0])], *dash = c->streams == 0 ? " stroke-dasharray='6 4'" : "";
  const double legend = TOP + HEIGHT + 70 + LEGEND * (double)place;
  fprintf(out, "<polyline fill='none' stroke='%s' stroke-width='2'%s points='", colour, dash);
  for (size_t i = 0; i < CURVE_POINTS; i++) fprintf(out, "%.1f,%.1f ", x_of(i), y_of(c->cycles_per_byte[i]));
  fprintf(out, "'/>\n<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='2'%s/>", LEFT, legend, LEFT + 36, legend,
          colour, dash);
  fprintf(out, "<text x='%.1f' y='%.1f'>%s: %.2f at 1 KiB, %.2f at 256 KiB</text>\n", LEFT + 46, legend + 4, c->name, c->cycles_per_byte[6],
          c->cycles_per_byte[CURVE_POINTS - 1]);
}

void picture(FILE *out, const char *machine, const curve *curves, size_t count) {
  const double height = TOP + HEIGHT + 70 + LEGEND * (double)count;
  fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' font-family='sans-serif' font-size='12'>\n",
          LEFT + WIDTH + 30, height);
  fprintf(out,
          "<rect width='100%%' height='100%%' fill='white'/>\n<text x='%.1f' y='24' font-size='16'>AES-256-IGE, encrypting, key set up "
          "each time</text>\n",
          LEFT);
  fprintf(out, "<text x='%.1f' y='44'>%s</text>\n", LEFT, machine);
  axes(out);
  for (size_t i = 0; i < count; i++) draw_curve(out, &curves[i], i);
  fprintf(out, "</svg>\n");
}
