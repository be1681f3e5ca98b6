/** What is shown of a quote: its bids with their plans and forecasts. Reads the journal, decides nothing. */
import { sumMicros } from "../market/money.ts";
import { withAuctionCost, type Offer } from "../market/sale/quote.ts";
import type { Journal } from "./journal.ts";
import { paidMicros } from "./paid.ts";
import type { OfferView, QuoteView } from "./task-room-api.ts";
import { taskView } from "./task-view.ts";

export function quoteView(journal: Journal): QuoteView | null {
  const opening = journal.opening();
  const view = taskView(journal);
  if (opening?.quote == null || view === null) return null;
  const auctionCalls = journal.calls().filter((call) => call.attempt === 0);
  const auctionMicros = sumMicros(auctionCalls.map(paidMicros));
  const { limits } = opening.spec;
  const { maxCostUsd } = limits;
  const quoted = journal.task()?.quoted ?? null;
  const offers = quoted && withAuctionCost(quoted.offers, { maxCostUsd, spentMicros: auctionMicros });
  return {
    task: view,
    expiresInS: opening.quote.expiresInS,
    limits,
    auctionMicros,
    offers: offers?.map((offer) => offerView(journal, offer)) ?? null,
  };
}

function offerView(journal: Journal, offer: Offer): OfferView {
  const agent = journal.opening()?.pool.find(({ id }) => id === offer.agentId);
  if (agent === undefined) throw new Error("the offer names no agent of the pool");
  const { name, model, emulated } = agent;
  const bid = journal.bids().find((one) => one.agentId === offer.agentId && one.round === offer.round);
  return { ...offer, name, model, emulated, plan: bid?.status === "valid" ? bid.strategy : null };
}
