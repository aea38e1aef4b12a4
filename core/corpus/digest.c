/* The first half of the SHA-256 (FIPS 180-4) of many texts, with the instructions that processors have for it. */
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* abef and cdgh: the eight words of the state, in the order in which the instructions want them. */
WITH_SHA static void add_blocks(__m128i *abef, __m128i *cdgh, const uint8_t *data, int64_t blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (; blocks > 0; blocks--, data += 64) {
        __m128i first = *abef, second = *cdgh, words[4];
        for (int four = 0; four < 16; four++) {
            __m128i *now = words + (four & 3);
            if (four < 4)
                *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * four)), swap);
            else {
                __m128i last = words[(four + 3) & 3], before = words[(four + 2) & 3];
                __m128i sum = _mm_sha256msg1_epu32(*now, words[(four + 1) & 3]);
                *now = _mm_sha256msg2_epu32(_mm_add_epi32(sum, _mm_alignr_epi8(last, before, 4)), last);
            }
            __m128i with = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)(CONSTANTS + 4 * four)));
            second = _mm_sha256rnds2_epu32(second, first, with);
            first = _mm_sha256rnds2_epu32(first, second, _mm_shuffle_epi32(with, 0x0E));
        }
        *abef = _mm_add_epi32(*abef, first);
        *cdgh = _mm_add_epi32(*cdgh, second);
    }
}

WITH_SHA static void digest_of(const uint8_t *data, int64_t length, uint64_t *high, uint64_t *low) {
    __m128i abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    __m128i cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    int64_t whole = length / 64, rest = length % 64;
    uint8_t end[128] = {0};
    add_blocks(&abef, &cdgh, data, whole);
    memcpy(end, data + 64 * whole, (size_t)rest);
    end[rest] = 0x80;
    int64_t blocks = rest < 56 ? 1 : 2;
    for (int byte = 0; byte < 8; byte++)
        end[64 * blocks - 1 - byte] = (uint8_t)((uint64_t)length * 8 >> 8 * byte);
    add_blocks(&abef, &cdgh, end, blocks);
    uint32_t one[4], two[4]; /* f e b a and h g d c */
    _mm_storeu_si128((__m128i *)one, abef);
    _mm_storeu_si128((__m128i *)two, cdgh);
    *high = (uint64_t)one[3] << 32 | one[2];
    *low = (uint64_t)two[3] << 32 | two[2];
}

static int can(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
        return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}
#else
static int can(void) { return 0; }
static void digest_of(const uint8_t *data, int64_t length, uint64_t *high, uint64_t *low) {}
#endif

/* data: text number n is from starts[n] to ends[n]. high and low: (texts), filled with 8 bytes each of its digest, the
 * first byte the highest. Returns whether the processor can. */
int newleaf_digest(const uint8_t *data, const int64_t *starts, const int64_t *ends, int64_t texts, uint64_t *high,
                   uint64_t *low) {
    if (!can())
        return 0;
    for (int64_t text = 0; text < texts; text++)
        digest_of(data + starts[text], ends[text] - starts[text], high + text, low + text);
    return 1;
}
