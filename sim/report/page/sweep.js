// sweep: to come
function sweepPage() { return []; }
