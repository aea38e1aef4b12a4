/* The texts of lines that are JSON objects with the text in one field: as orjson reads them, and none of its objects.
 *
 * What is out of the ordinary (an error, a field twice, a key with an escape, a very long number ...) is left to Python.
 */
#include <stdint.h>
#include <string.h>

#define DEEPEST 32
#define LONGEST_NUMBER 16

typedef const uint8_t *Place; /* NULL: here is something for Python */

static inline int is_space(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }
static inline int is_stripped(uint8_t byte) { return is_space(byte) || byte == '\v' || byte == '\f'; }
static inline int follows(uint8_t byte) { return (byte & 0xC0) == 0x80; }

static inline Place after_spaces(Place at, Place end) {
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* How many bytes the character at `at` has, which is not ASCII; 0 where it is no UTF-8. */
static inline int wide(Place at, Place end) {
    uint8_t first = at[0];
    int64_t left = end - at;
    if (first >= 0xC2 && first < 0xE0)
        return left >= 2 && follows(at[1]) ? 2 : 0;
    if (first >= 0xE0 && first < 0xF0) {
        if (left < 3 || !follows(at[1]) || !follows(at[2]))
            return 0;
        return (first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) ? 0 : 3;
    }
    if (first >= 0xF0 && first < 0xF5) {
        if (left < 4 || !follows(at[1]) || !follows(at[2]) || !follows(at[3]))
            return 0;
        return (first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F) ? 0 : 4;
    }
    return 0;
}

/* Whether 8 bytes are ASCII without a quote, a backslash and control characters. */
static inline int plain(uint64_t bytes) {
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t quote = bytes ^ (ones * '"'), slash = bytes ^ (ones * '\\');
    uint64_t found = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (bytes - ones * 0x20) | bytes;
    return !(found & tops);
}

/* The number that four hexadecimal digits spell, or -1. */
static int64_t hexadecimal(Place at, Place end) {
    int64_t number = 0;
    if (end - at < 4)
        return -1;
    for (int place = 0; place < 4; place++) {
        uint8_t byte = at[place], letter = byte | 0x20;
        if (byte >= '0' && byte <= '9')
            number = number << 4 | (byte - '0');
        else if (letter >= 'a' && letter <= 'f')
            number = number << 4 | (letter - 'a' + 10);
        else
            return -1;
    }
    return number;
}

static uint8_t *written(uint8_t *out, uint32_t code) {
    if (code < 0x80)
        *out++ = (uint8_t)code;
    else if (code < 0x800) {
        *out++ = (uint8_t)(0xC0 | code >> 6);
        *out++ = (uint8_t)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (uint8_t)(0xE0 | code >> 12);
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code & 0x3F));
    } else {
        *out++ = (uint8_t)(0xF0 | code >> 18);
        *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code & 0x3F));
    }
    return out;
}

/* What is behind the string whose first character is at `at`. Its text is written to `*out`, which moves; it takes no
 * more bytes than the string does. */
static Place after_string(Place at, Place end, uint8_t **out) {
    uint8_t *to = *out;
    while (at < end) {
        uint64_t bytes;
        if (end - at >= 8 && (memcpy(&bytes, at, 8), plain(bytes))) {
            memcpy(to, &bytes, 8);
            at += 8, to += 8;
            continue;
        }
        uint8_t byte = *at;
        if (byte == '"') {
            *out = to;
            return at + 1;
        }
        if (byte >= 0x80) {
            int size = wide(at, end);
            if (!size)
                return NULL;
            for (; size; size--)
                *to++ = *at++;
        } else if (byte == '\\') {
            if (end - at < 2)
                return NULL;
            static const char signs[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
            const char *sign = at[1] ? strchr(signs, at[1]) : NULL;
            if (sign) {
                *to++ = (uint8_t)meant[sign - signs];
                at += 2;
            } else if (at[1] == 'u') {
                int64_t code = hexadecimal(at + 2, end);
                at += 6;
                if (code >= 0xD800 && code < 0xDC00) {
                    int64_t low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hexadecimal(at + 2, end) : -1;
                    if (low < 0xDC00 || low > 0xDFFF)
                        return NULL;
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    at += 6;
                } else if (code < 0 || (code >= 0xDC00 && code < 0xE000))
                    return NULL;
                to = written(to, (uint32_t)code);
            } else
                return NULL;
        } else if (byte < 0x20)
            return NULL;
        else {
            *to++ = byte;
            at++;
        }
    }
    return NULL;
}

static inline int is_digit(Place at, Place end) { return at < end && *at >= '0' && *at <= '9'; }

static Place after_number(Place at, Place end) {
    Place start = at;
    at += *at == '-';
    if (!is_digit(at, end))
        return NULL;
    if (*at == '0')
        at++;
    else
        while (is_digit(at, end))
            at++;
    if (at < end && *at == '.') {
        if (!is_digit(++at, end))
            return NULL;
        while (is_digit(at, end))
            at++;
    }
    if (at < end && (*at | 0x20) == 'e')
        return NULL;
    return at - start > LONGEST_NUMBER ? NULL : at;
}

static Place after_word(Place at, Place end, const char *word) {
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && !memcmp(at, word, length) ? at + length : NULL;
}

/* What is behind a value; strings in it are written over each other at `scratch`. */
static Place after_value(Place at, Place end, uint8_t *scratch, int depth) {
    if (at == end || depth > DEEPEST)
        return NULL;
    uint8_t *to = scratch;
    switch (*at) {
    case '"':
        return after_string(at + 1, end, &to);
    case 't':
        return after_word(at, end, "true");
    case 'f':
        return after_word(at, end, "false");
    case 'n':
        return after_word(at, end, "null");
    case '[':
    case '{': {
        uint8_t close = *at == '[' ? ']' : '}';
        at = after_spaces(at + 1, end);
        if (at < end && *at == close)
            return at + 1;
        for (;;) {
            if (close == '}') {
                if (at == end || *at != '"' || !(at = after_string(at + 1, end, &to)))
                    return NULL;
                to = scratch;
                at = after_spaces(at, end);
                if (at == end || *at != ':')
                    return NULL;
                at = after_spaces(at + 1, end);
            }
            if (!(at = after_value(at, end, scratch, depth + 1)))
                return NULL;
            at = after_spaces(at, end);
            if (at < end && *at == close)
                return at + 1;
            if (at == end || *at != ',')
                return NULL;
            at = after_spaces(at + 1, end);
        }
    }
    default:
        return after_number(at, end);
    }
}

/* Write the text of the record from `at` to `end` to `out`; what is behind it there, or NULL where it is for Python. */
static uint8_t *text_of(Place at, Place end, Place key, int64_t key_length, uint8_t *out) {
    uint8_t *behind = NULL;
    if (*at != '{')
        return NULL;
    at = after_spaces(at + 1, end);
    for (;;) {
        if (at == end || *at != '"')
            return NULL;
        Place name = at + 1;
        uint8_t *to = behind ? behind : out, *free = to;
        if (!(at = after_string(name, end, &to)) || at - 1 - name != to - free) /* it has an escape */
            return NULL;
        int wanted = to - free == key_length && !memcmp(name, key, (size_t)key_length);
        at = after_spaces(at, end);
        if (at == end || *at != ':')
            return NULL;
        at = after_spaces(at + 1, end);
        if (wanted) {
            to = out;
            if (behind || at == end || *at != '"' || !(at = after_string(at + 1, end, &to)))
                return NULL;
            behind = to;
        } else if (!(at = after_value(at, end, free, 0)))
            return NULL;
        at = after_spaces(at, end);
        if (at == end)
            return NULL;
        if (*at == '}')
            return at + 1 == end ? behind : NULL;
        if (*at != ',')
            return NULL;
        at = after_spaces(at + 1, end);
    }
}

/* How often U+FFFD, which stands for what could not be read, is in a text. */
static int64_t unreadable_in(Place at, Place end) {
    int64_t count = 0;
    while ((at = memchr(at, 0xEF, (size_t)(end - at)))) {
        count += end - at >= 3 && at[1] == 0xBF && at[2] == 0xBD;
        at++;
    }
    return count;
}

typedef struct {
    int64_t number, start, end;  /* of a line, from 0 */
    int64_t text_start, text_end; /* in `texts`; -1: Python has to read the line */
} Line;

/* The lines of `data` that are neither blank nor records whose text is empty; how many. `texts` has room for as many
 * bytes as `data`, `lines` for as many lines; `unreadable` is the number of U+FFFD in the texts. */
int64_t newleaf_json_lines(const uint8_t *data, int64_t length, const uint8_t *key, int64_t key_length, uint8_t *texts,
                           Line *lines, int64_t *unreadable) {
    int64_t found = 0, number = 0;
    uint8_t *out = texts;
    for (int64_t start = 0, next; start < length; start = next, number++) {
        Place line_end = memchr(data + start, '\n', (size_t)(length - start));
        next = line_end ? line_end - data + 1 : length;
        Place at = data + start, end = data + next;
        while (at < end && is_stripped(*at))
            at++;
        while (at < end && is_stripped(end[-1]))
            end--;
        if (at == end)
            continue;
        uint8_t *behind = text_of(at, end, key, key_length, out);
        if (behind == out)
            continue;
        lines[found++] = (Line){number, at - data, end - data, behind ? out - texts : -1, behind ? behind - texts : -1};
        if (behind) {
            *unreadable += unreadable_in(out, behind);
            out = behind;
        }
    }
    return found;
}
