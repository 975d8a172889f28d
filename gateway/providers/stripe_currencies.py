"""The currencies of Stripe's payloads, as they are written there: in lower case. Source: docs.stripe.com/currencies."""

from __future__ import annotations

CURRENCIES = frozenset[object](
    """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn byr bzd cad cdf chf
    clp cny cop crc cup cve czk djf dkk dop dzd eek egp ern etb eur fjd fkp gbp gel ggp ghs gip gmd gnf gtq gyd hkd hnl
    hrk htg huf idr ils imp inr iqd irr isk jep jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl ltl lvl
    lyd mad mdl mga mkd mmk mnt mop mro mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln
    pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sll sos srd ssp std stn svc syp szl thb tjs tmt tnd top try
    ttd twd tzs uah ugx usd usdb usdc usdg usdt usdp uyu uzs ved vef ves vnd vuv wst xaf xag xau xcd xcg xdr xof xpf yer
    zar zmk zmw zwd zwg zwl btc eth eurc pyusd
    """.split()  # noqa: SIM905 - two hundred lines otherwise
)
"""Every code that a payload may hold."""
