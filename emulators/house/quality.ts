/** The latent quality q of a plan: drawn once per seed, task and model, before a word of it is written. */
import {
  type Bin,
  HOUSE_SIZES,
  type HouseSize,
  QUALITY_BASE,
  QUALITY_BIN_LOSS,
  QUALITY_SD,
  QUALITY_SIZE_GAIN,
} from "./constants.ts";
import { drawsFor } from "./draws.ts";

const logPrices = HOUSE_SIZES.map((size) => Math.log(size.outputUsdPerMtok));
const lowest = Math.min(...logPrices);
const highest = Math.max(...logPrices);

/** Where a size stands between the smallest (0) and the largest (1), evenly in log price. */
export function sizeRank(size: HouseSize): number {
  return (Math.log(size.outputUsdPerMtok) - lowest) / (highest - lowest);
}

/** Mean of q for a size and a bin, in [0, 1]. */
export function meanQuality(size: HouseSize, bin: Bin): number {
  return QUALITY_BASE + QUALITY_SIZE_GAIN * sizeRank(size) - QUALITY_BIN_LOSS * (bin - 1);
}

export interface QualityKey {
  readonly seed: number;
  readonly taskKey: string;
  readonly size: HouseSize;
  readonly bin: Bin;
}

/** q in [0, 1] of the plan that this model writes for this task under this seed. */
export function drawQuality({ seed, taskKey, size, bin }: QualityKey): number {
  const z = drawsFor(seed, taskKey, size.id, "quality").normal();
  return Math.min(1, Math.max(0, meanQuality(size, bin) + QUALITY_SD * z));
}
