/** Which currency a reader thinks in, by their region: https://www.iso.org/iso-4217-currency-codes.html, those that are often sold in. */
const REGIONS = {
  aed: "AE", ars: "AR", aud: "AU", brl: "BR", cad: "CA", chf: "CH LI", clp: "CL", cny: "CN", cop: "CO", czk: "CZ", dkk: "DK FO GL",
  eur: "AD AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MC ME MT NL PT SI SK SM VA XK", gbp: "GB GG IM JE", hkd: "HK", huf: "HU",
  idr: "ID", ils: "IL", inr: "IN", isk: "IS", jpy: "JP", krw: "KR", mxn: "MX", myr: "MY", nok: "NO SJ", nzd: "NZ", pen: "PE", php: "PH",
  pln: "PL", ron: "RO", sar: "SA", sek: "SE", sgd: "SG", thb: "TH", try: "TR", twd: "TW", uah: "UA", usd: "US PR EC SV", vnd: "VN", zar: "ZA",
};

/**
 * The currency to begin with.
 * @param {string[]} offered ISO 4217, lower case, the default first
 * @param {string} [language] a BCP 47 tag; one without a region stands for where most of its speakers are
 */
export function currencyFor(offered, language = navigator.language) {
  const region = new Intl.Locale(language).maximize().region ?? "";
  return offered.find((currency) => REGIONS[currency]?.split(" ").includes(region)) ?? offered[0];
}
