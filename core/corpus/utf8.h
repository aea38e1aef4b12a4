/* Code points of UTF-8 that is known to be whole. Halves of a pair of surrogates may stand in it. */
#include <stdint.h>

/* The code point that begins at `*at`, which moves behind it. */
static inline uint32_t next_code_point(const uint8_t **at) {
    const uint8_t *byte = *at;
    uint32_t first = byte[0];
    if (first < 0x80) {
        *at = byte + 1;
        return first;
    }
    if (first < 0xE0) {
        *at = byte + 2;
        return (first & 0x1F) << 6 | (byte[1] & 0x3F);
    }
    if (first < 0xF0) {
        *at = byte + 3;
        return (first & 0x0F) << 12 | (uint32_t)(byte[1] & 0x3F) << 6 | (byte[2] & 0x3F);
    }
    *at = byte + 4;
    return (first & 0x07) << 18 | (uint32_t)(byte[1] & 0x3F) << 12 | (uint32_t)(byte[2] & 0x3F) << 6 | (byte[3] & 0x3F);
}
