/* Muon's orthogonal matrices, by Newton-Schulz steps. training.c includes this once for each kind of processor. In bfloat16 the
 * products with an oblong matrix itself are tiles.h's.
 *
 * A step multiplies a matrix by a polynomial of its gram matrix, of the short side. Where that is much shorter, all steps
 * are done on gram matrices, and the product of their polynomials multiplies the matrix once; as exact it is not. What is
 * symmetric, as products of polynomials of one matrix are, is computed by half and mirrored. */
#define mirror NAMED(mirror)
#define multiply NAMED(multiply)
#define symmetric NAMED(symmetric)
#define polynomial NAMED(polynomial)
#define product_of_steps NAMED(product_of_steps)
#define take NAMED(take)
#define give NAMED(give)
#define orthogonal NAMED(orthogonal)

/* The part of c (n, n) above the diagonal becomes what is below. */
INLINE void mirror(int64_t n, float *c, int64_t row) {
    for (int64_t i = 0; i < n; i += 16) {
        for (int64_t j = 0; j < i; j += 16) turned(16, 16, c + i * row + j, row, c + j * row + i, row);
        for (int64_t k = 0; k < 16; k++)
            for (int64_t l = 0; l < k; l++) c[(i + l) * row + i + k] = c[(i + k) * row + i + l];
    }
}

/* c = a b, as in product, in blocks of b that stay in the first cache. Where c is symmetric, in steps of 16 rows along the
 * diagonal: of the rows of a step up to where it meets them. */
INLINE void multiply(
    int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t row, int64_t step, const float *b,
    int64_t b_row, float *c, int64_t c_row, int is_symmetric) {
    EACH_PANEL(j, wide, columns)
        EACH_PANEL(k, deep, depth) {
            const float *left = a + k * step, *right = b + k * b_row + j;
            int64_t i = 0;
            if (is_symmetric)
                for (i = j; i < j + wide; i += 16)
                    product(16, i + 16 - j, deep, left + i * row, row, step, right, b_row, c + i * c_row + j, c_row, k > 0);
            product(rows - i, wide, deep, left + i * row, row, step, right, b_row, c + i * c_row + j, c_row, k > 0);
        }
}

/* c = a b, all (n, n) and symmetric: of a, columns are read for rows. */
static void symmetric(int64_t n, const float *a, const float *b, float *c, int64_t row) {
    multiply(n, n, n, a, 1, row, b, row, c, row, 1);
    mirror(n, c, row);
}

/* out = terms[0] + terms[1] gram + terms[2] gram gram */
static void polynomial(int64_t n, const float *terms, const float *gram, float *out, int64_t row) {
    multiply(n, n, n, gram, 1, row, gram, row, out, row, 1);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j += LANES) { /* and some more, which are mirrored */
            lanes *some = (lanes *)(out + i * row + j);
            *some = terms[1] * *(const lanes *)(gram + i * row + j) + terms[2] * *some;
        }
        out[i * row + i] += terms[0];
    }
    mirror(n, out, row);
}

/* What all steps together multiply a matrix by, found on its gram matrix alone; all are (n, n). */
static float *product_of_steps(const Orthogonal *o, int64_t n, float *gram, float *factor, float *all, float *next, int64_t row) {
    polynomial(n, o->terms, gram, all, row);
    for (int64_t step = 1; step < o->steps; step++) {
        const float *last = step == 1 ? all : factor;
        symmetric(n, last, gram, next, row);
        symmetric(n, last, next, gram, row);
        polynomial(n, o->terms + 3 * step, gram, factor, row);
        symmetric(n, factor, all, next, row);
        float *spare = all;
        all = next, next = spare;
    }
    return all;
}

/* What is made orthogonal, its rows one behind the other: the matrix, or Nesterov's momentum of what it is the gradient of;
 * divided by its norm. */
INLINE void take(const Orthogonal *o, const Matrix *matrix, float *out) {
    const int64_t columns = matrix->columns, number = matrix->rows * columns;
    float *to = out;
    const float first = (float)(1 - o->momentum), second = 1 - (float)o->momentum; /* rounded as PyTorch's lerp rounds them */
    for (int64_t i = 0; i < matrix->rows; i++, to += columns) {
        const float *in = matrix->in + i * matrix->row;
        if (!matrix->momentum) {
            memcpy(to, in, columns * sizeof *to);
            continue;
        }
        float *momentum = matrix->momentum + i * matrix->row;
        for (int64_t j = 0; j < columns; j++) {
            const float moved = __builtin_fmaf(first, in[j] - momentum[j], momentum[j]);
            momentum[j] = moved;
            to[j] = __builtin_fmaf(-second, moved - in[j], moved);
        }
    }
    const float scale = 1 / ((float)sqrt(squares(out, number)) + 1e-7f);
    for (int64_t i = 0; i < number; i++) out[i] *= scale;
}

/* What was made of a matrix, where it belongs: so many times it is taken from the weights, or it is all. */
INLINE void give(const Orthogonal *o, const Matrix *matrix, const float *made, int64_t made_row) {
    const int64_t columns = matrix->columns;
    for (int64_t i = 0; i < matrix->rows; i++, made += made_row) {
        float *out = matrix->out + i * matrix->row;
        if (matrix->momentum)
            for (int64_t j = 0; j < columns; j++) out[j] = __builtin_fmaf(-matrix->rate, made[j], o->keep * out[j]);
        else memcpy(out, made, columns * sizeof *out);
    }
}

/* A matrix, with its long side upright, and filled up with columns of zeros, which stay zeros. */
static void orthogonal(const Orthogonal *o, const Matrix *matrix, float *scratch) {
    const int tall = matrix->rows > matrix->columns;
    const int64_t rows = matrix->rows, columns = matrix->columns;
    const int64_t length = tall ? rows : columns, width = tall ? columns : rows;
    const int64_t n = (width + 15) / 16 * 16, row = odd_lines(width), square = square_of(width);
    float *x = scratch, *y = x + length * row, *gram = y + length * row, *factor = gram + square;
    take(o, matrix, y);
    if (!tall) turned(rows, columns, y, columns, x, row);
    for (int64_t i = 0; i < length; i++) {
        if (tall) memcpy(x + i * row, y + i * columns, width * sizeof *x);
        memset(x + i * row + width, 0, (n - width) * sizeof *x);
    }
    const int oblong = is_oblong(o, matrix);
    for (int64_t step = 0; step < (oblong ? 1 : o->steps); step++) {
        multiply(n, n, length, x, 1, row, x, row, gram, row, 1);
        mirror(n, gram, row);
        const float *by = factor;
        if (oblong) by = product_of_steps(o, n, gram, factor, factor + square, factor + 2 * square, row);
        else polynomial(n, o->terms + 3 * step, gram, factor, row);
        multiply(length, n, n, x, row, 1, by, row, y, row, 0);
        float *spare = x;
        x = y, y = spare;
    }
    if (!tall) turned(length, width, x, row, y, columns);
    give(o, matrix, tall ? x : y, tall ? row : columns);
}
