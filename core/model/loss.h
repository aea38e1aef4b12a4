/* The cross-entropy of a row of logits, and its gradient: what loss.py does between two products. training.c includes this
 * once for each kind of processor. */
#define slopes_of NAMED(slopes_of)

/* A row of logits becomes its gradient: its probabilities, less one at the target, times its count. */
static void slopes_of(const Loss *o, int64_t i) {
    const int64_t wide = o->outputs / LANES * LANES;
    float *row = o->logits + i * o->outputs, *target = row + o->targets[i];
    if (o->bias)
        for (int64_t j = 0; j < o->outputs; j++) row[j] += o->bias[j];
    const float answer = *target, count = o->counts ? o->counts[i] : 1;
    lanes most = (lanes){0} + row[0], sum = {0};
    for (int64_t j = 0; j < wide; j += LANES) most = larger(most, *(lanes *)(row + j));
    float top = largest(most);
    for (int64_t j = wide; j < o->outputs; j++) top = row[j] > top ? row[j] : top;
    for (int64_t j = 0; j < wide; j += LANES) {
        lanes *some = (lanes *)(row + j);
        *some = exponential(*some - top);
        sum += *some;
    }
    float all = total(sum);
    for (int64_t j = wide; j < o->outputs; j++) {
        row[j] = exponential((lanes){0} + (row[j] - top))[0];
        all += row[j];
    }
    const float share = count / all;
    for (int64_t j = 0; j < o->outputs; j++) row[j] *= share;
    *target -= count;
    o->losses[i] = count * (logf(all) + top - answer);
}
