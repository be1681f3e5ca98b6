/** House agents: four emulated models (house-agents.md). Emulated, labelled so, and no evidence about any real model. */
import type { EmulatedModel } from "../chat.ts";
import { DEFAULT_INFORMATIVENESS, DEFAULT_REFINEMENT_GAIN, HOUSE_SIZES } from "./constants.ts";
import { createHouseModel } from "./model.ts";

export interface HouseSettings {
  /** Most that contrastive pairs add to the quality of a refined plan. */
  readonly refinementGain?: number;
}

/** All sizes, smallest first, at one informativeness b (logits of success per standard deviation of plan quality). */
export function createHouseModels(
  informativeness: number = DEFAULT_INFORMATIVENESS,
  { refinementGain = DEFAULT_REFINEMENT_GAIN }: HouseSettings = {},
): readonly EmulatedModel[] {
  return HOUSE_SIZES.map((size) => createHouseModel({ size, informativeness, refinementGain }));
}

/** The models as the emulators serve them. */
export const houseModels: readonly EmulatedModel[] = createHouseModels();

/** A model by its bare name or with a vendor prefix such as `@cf/saleroom/`; null: no house model. */
export function houseModel(
  name: string,
  models: readonly EmulatedModel[] = houseModels,
): EmulatedModel | null {
  const bare = name.slice(name.lastIndexOf("/") + 1);
  return models.find((model) => model.id === bare) ?? null;
}
