/** Saleroom as a version with a fault would be deployed: no task's room takes what tools answered. */
import * as house from "../../../src/index.ts";

export const { MarketRoom, CallHelper } = house;

export class TaskRoom extends house.TaskRoom {
  override async commitTools(): Promise<never> {
    throw new TypeError("a fault of this version");
  }
}

export default house.default;
