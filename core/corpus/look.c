/* The first look of cleaning/look.py at many texts, bit for bit the same: each character is looked up in one table. */
#include <stdint.h>
#include "utf8.h"

/* data: UTF-8, in which text number n is from starts[n] to ends[n]; with `strip` line ends at both ends of a text are
 * taken off, and starts and ends move. table: bits for each code point; `blank` is the bit of those that must not stand
 * before a line end, `space` is what is seen where one does, where three line ends stand in a row, or where one is the
 * first or the last of a text; a line end behind each text counts as one. seen and characters: (texts), filled. */
void newleaf_look(const uint8_t *data, int64_t *starts, int64_t *ends, int64_t texts, int strip, const uint8_t *table,
                  uint8_t blank, uint8_t space, uint8_t *seen, int64_t *characters) {
    for (int64_t text = 0; text < texts; text++) {
        const uint8_t *at = data + starts[text], *end = data + ends[text];
        if (strip) {
            while (at < end && *at == '\n')
                at++;
            while (at < end && end[-1] == '\n')
                end--;
            starts[text] = at - data;
            ends[text] = end - data;
        }
        uint8_t all = table['\n'], before = 0;
        int line_ends = 0; /* in a row */
        int64_t count = 0;
        if (at == end || *at == '\n' || end[-1] == '\n')
            all |= space;
        while (at < end) {
            uint32_t code = next_code_point(&at);
            uint8_t bits = table[code];
            count++;
            all |= bits;
            if (code == '\n') {
                if ((before & blank) || ++line_ends == 3)
                    all |= space;
            } else
                line_ends = 0;
            before = bits;
        }
        if ((before & blank) || ++line_ends == 3)
            all |= space;
        seen[text] = all;
        characters[text] = count;
    }
}
