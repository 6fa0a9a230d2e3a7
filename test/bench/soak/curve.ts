export interface Sample {
  readonly seconds: number;
  readonly value: number;
}

const BARS = '▁▂▃▄▅▆▇█';
const WIDTH = 60;

/** The values as bars of text, from the least to the greatest. */
export function curve(samples: readonly Sample[]): string {
  const width = Math.min(WIDTH, samples.length);
  const columns = Array.from({ length: width }, (_, column) => {
    const part = samples.slice(
      Math.floor((column * samples.length) / width),
      Math.floor(((column + 1) * samples.length) / width),
    );
    return Math.max(...part.map(({ value }) => value));
  });
  const least = Math.min(...columns);
  const range = Math.max(...columns) - least || 1;
  return columns
    .map((value) => BARS[Math.round(((value - least) / range) * (BARS.length - 1))] ?? '')
    .join('');
}

/** By least squares: what a minute adds. */
export function slopePerMinute(samples: readonly Sample[]): number {
  const middle = (pick: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + pick(sample), 0) / samples.length;
  const seconds = middle((sample) => sample.seconds);
  const value = middle((sample) => sample.value);
  let over = 0;
  let under = 0;
  for (const sample of samples) {
    over += (sample.seconds - seconds) * (sample.value - value);
    under += (sample.seconds - seconds) ** 2;
  }
  return under === 0 ? 0 : (over / under) * 60;
}
