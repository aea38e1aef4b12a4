/* The first look of cleaning/look.py at many texts, bit for bit the same: each character is looked up in one table. */
#include <stdint.h>

/* codes: all texts one after the other, each with a line end behind it; lengths: of each, with that one. table: bits for
 * each code point; `blank` is the bit of those that must not stand before a line end, `space` is what is seen where one
 * does, where three line ends stand in a row, or where one is the first or the last of a text. seen: (texts), filled. */
void newleaf_look(const uint32_t *codes, const int64_t *lengths, int64_t texts, const uint8_t *table, uint8_t blank,
                  uint8_t space, uint8_t *seen) {
    for (int64_t text = 0; text < texts; text++) {
        int64_t length = lengths[text];
        uint8_t all = 0, before = 0;
        int line_ends = 0; /* in a row */
        for (int64_t place = 0; place < length; place++) {
            uint32_t code = codes[place];
            uint8_t bits = table[code];
            all |= bits;
            if (code == '\n') {
                if ((before & blank) || ++line_ends == 3)
                    all |= space;
            } else
                line_ends = 0;
            before = bits;
        }
        if (codes[0] == '\n' || codes[length > 1 ? length - 2 : 0] == '\n')
            all |= space;
        seen[text] = all;
        codes += length;
    }
}
